-- KEYS: row. ARGV: now, channel, id. Instances that subscribe drop the session at once. Others read in its
-- row that it is revoked.
local row = redis.call('HMGET', KEYS[1], 'revoked', 'expires_at')
if row[1] ~= 'false' or tonumber(row[2]) <= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'revoked', 'true')
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1
