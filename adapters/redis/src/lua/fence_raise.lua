-- KEYS: fence of a table. ARGV: token. Returns whether the table was not fenced by a later term.
local greatest = redis.call('GET', KEYS[1])
if greatest and tonumber(greatest) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1
