SELECT miroir_id, created_at, status, node_tasks, error, node_errors, index_uid, task_type, details, started_at,
       finished_at, canceled_by, custom_metadata, version, physical_uid
FROM tasks
WHERE miroir_id = ?1
