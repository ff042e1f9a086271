DELETE FROM idempotency_cache WHERE key = ?1 AND owner = ?2 AND miroir_task_id IS NULL
