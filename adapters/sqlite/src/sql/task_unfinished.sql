SELECT miroir_id FROM tasks INDEXED BY tasks_unfinished
WHERE status IN ('enqueued', 'processing') AND miroir_id > ?1
ORDER BY miroir_id
LIMIT ?2
