SELECT session_id, csrf_token, admin_key_hash, created_at, expires_at, revoked, user_agent, source_ip
FROM admin_sessions
WHERE session_id = ?1
