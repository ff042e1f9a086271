UPDATE idempotency_cache SET miroir_task_id = ?2, state = 'completed', expires_at = ?3 WHERE key = ?1
