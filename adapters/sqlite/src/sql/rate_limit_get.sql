SELECT key, hits, expires_at FROM rate_limits WHERE key = ?1
