DELETE FROM rate_limits
WHERE key IN (SELECT key FROM rate_limits WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)
