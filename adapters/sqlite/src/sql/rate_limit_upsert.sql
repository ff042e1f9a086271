INSERT OR REPLACE INTO rate_limits (key, hits, expires_at) VALUES (?1, ?2, ?3)
