-- KEYS: row. ARGV: field that moves back, its new value, number of arguments that follow, field, value, ...
-- Returns whether it moved back.
local held = redis.call('HGET', KEYS[1], ARGV[1])
if not held or not greater(held, ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
return 1
