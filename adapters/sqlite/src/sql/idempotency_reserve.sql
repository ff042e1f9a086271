-- Only where there is no row that counts: what stands here has expired.
INSERT OR REPLACE INTO idempotency_cache (key, body_sha256, miroir_task_id, state, owner, expires_at)
VALUES (?1, ?2, NULL, 'in_progress', ?3, ?4)
