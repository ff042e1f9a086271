DELETE FROM idempotency_cache
WHERE key IN (SELECT key FROM idempotency_cache WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)
