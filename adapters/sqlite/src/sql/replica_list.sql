SELECT physical_uid, node_id, state, task, reason, since_at
FROM replicas
WHERE physical_uid || ':' || node_id > ?1
ORDER BY physical_uid || ':' || node_id
LIMIT ?2