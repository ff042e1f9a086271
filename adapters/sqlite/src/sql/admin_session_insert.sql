INSERT INTO admin_sessions
    (session_id, csrf_token, admin_key_hash, created_at, expires_at, revoked, user_agent, source_ip)
VALUES (:session_id, :csrf_token, :admin_key_hash, :created_at, :expires_at, 0, :user_agent, :source_ip)
ON CONFLICT DO NOTHING
