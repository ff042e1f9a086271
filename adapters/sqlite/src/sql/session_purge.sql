DELETE FROM sessions
WHERE session_id IN (SELECT session_id FROM sessions WHERE ttl <= ?1 ORDER BY ttl LIMIT ?2)
