SELECT physical_uid, node_id, state, task, reason, since_at
FROM replicas
WHERE physical_uid = ?1 AND node_id = ?2