-- KEYS: next uid. ARGV: the smallest uid of later tasks.
local next = tonumber(redis.call('GET', KEYS[1]) or 0)
if next < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
return true
