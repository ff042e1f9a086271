INSERT INTO leader_lease (scope, holder, expires_at, token) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at, token = excluded.token
