SELECT count(*) FROM tasks INDEXED BY tasks_unfinished WHERE status IN ('enqueued', 'processing')
