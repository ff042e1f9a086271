DELETE FROM login_failures WHERE address = ?1
