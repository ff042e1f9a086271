SELECT count(*) FROM sessions WHERE ttl > ?1
