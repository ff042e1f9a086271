-- KEYS: row. ARGV: owner.
local row = redis.call('HMGET', KEYS[1], 'owner', 'miroir_task_id')
if row[1] ~= ARGV[1] or row[2] then return 0 end
return redis.call('DEL', KEYS[1])
