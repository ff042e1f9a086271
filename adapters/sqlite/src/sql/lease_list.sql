SELECT scope, holder, expires_at, token
FROM leader_lease
ORDER BY scope
