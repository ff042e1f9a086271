SELECT address, failures, failed_at FROM login_failures WHERE address = ?1
