DELETE FROM admin_sessions
WHERE session_id IN (SELECT session_id FROM admin_sessions WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)
