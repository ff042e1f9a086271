-- Declares the fields of the task registry, `tasks`, that the listing of tasks reads. 001 has had them from the start,
-- so there is nothing to add; a store whose `tasks` lacks one fails here, by the name of the missing column, and not
-- later in the middle of a request.
SELECT miroir_id, created_at, status, node_tasks, error, node_errors, index_uid, task_type, details, started_at,
       finished_at, canceled_by, custom_metadata, version
FROM tasks
LIMIT 0;
