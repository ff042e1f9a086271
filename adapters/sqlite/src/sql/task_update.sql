UPDATE tasks
SET created_at = :created_at, status = :status, node_tasks = :node_tasks, error = :error, node_errors = :node_errors,
    index_uid = :index_uid, task_type = :task_type, details = :details, started_at = :started_at,
    finished_at = :finished_at, canceled_by = :canceled_by, custom_metadata = :custom_metadata, version = :version,
    physical_uid = :physical_uid
WHERE miroir_id = :miroir_id
