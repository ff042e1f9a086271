-- Runs only if no row counts: a row that is replaced has expired.
INSERT OR REPLACE INTO idempotency_cache (key, body_sha256, miroir_task_id, state, owner, expires_at)
VALUES (?1, ?2, NULL, 'in_progress', ?3, ?4)
