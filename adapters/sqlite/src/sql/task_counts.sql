SELECT index_uid, status, task_type, count FROM task_counts
WHERE index_uid IN (SELECT value FROM json_each(?1))
