DELETE FROM sessions WHERE ttl <= ?1
