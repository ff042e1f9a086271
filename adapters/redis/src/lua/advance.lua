-- KEYS: row, index. ARGV: name in the index, field that advances, its new value, number of arguments that
-- follow, field, value, ... Returns the value of the row if it is not lower.
local held = redis.call('HGET', KEYS[1], ARGV[2])
if held and not greater(ARGV[3], held) then return held end
redis.call('HSET', KEYS[1], unpack(ARGV, 5))
redis.call('ZADD', KEYS[2], 0, ARGV[1])
return false
