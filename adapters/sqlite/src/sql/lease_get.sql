SELECT scope, holder, expires_at, token
FROM leader_lease
WHERE scope = ?1
