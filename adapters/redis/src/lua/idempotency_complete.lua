-- KEYS: row. ARGV: owner, task, new expiry, now, time to live.
local row = redis.call('HMGET', KEYS[1], 'owner', 'expires_at', 'miroir_task_id')
if row[1] ~= ARGV[1] or tonumber(row[2]) <= tonumber(ARGV[4]) then return 0 end
if row[3] then return row[3] == ARGV[2] and 1 or 0 end
redis.call('HSET', KEYS[1], 'miroir_task_id', ARGV[2], 'expires_at', ARGV[3], 'state', 'completed')
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
