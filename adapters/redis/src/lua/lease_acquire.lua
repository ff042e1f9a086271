-- KEYS: term, last token, index. ARGV: clock (3), span, scope, holder. Returns whether a term began, and the
-- term that runs.
local now = clock()
local running = term(KEYS[1])
if running and now < running[2] then return {0, {running[1], whole(running[2]), running[3]}} end
local token = whole(redis.call('INCR', KEYS[2]))
local ends = whole(now + ARGV[4])
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], token .. ':' .. ends .. ':' .. ARGV[6], 'NX', 'PX', whole(ARGV[4] + ARGV[3]))
redis.call('ZADD', KEYS[3], 0, ARGV[5])
return {1, {token, ends, ARGV[6]}}
