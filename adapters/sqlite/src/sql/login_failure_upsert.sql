INSERT OR REPLACE INTO login_failures (address, failures, failed_at) VALUES (?1, ?2, ?3)
