INSERT INTO replicas (physical_uid, node_id, state, task, reason, since_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT DO UPDATE SET state = excluded.state