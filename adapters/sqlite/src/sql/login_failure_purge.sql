DELETE FROM login_failures
WHERE address IN (SELECT address FROM login_failures WHERE failed_at <= ?1 ORDER BY failed_at LIMIT ?2)
