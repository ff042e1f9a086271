SELECT key, body_sha256, miroir_task_id, owner, expires_at
FROM idempotency_cache
WHERE key = ?1
