-- KEYS: term, index. ARGV: scope, token, holder.
local last = term(KEYS[1])
if not last or last[1] ~= ARGV[2] or last[3] ~= ARGV[3] then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])
