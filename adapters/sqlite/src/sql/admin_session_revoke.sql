UPDATE admin_sessions SET revoked = 1 WHERE session_id = ?1 AND revoked = 0 AND expires_at > ?2
