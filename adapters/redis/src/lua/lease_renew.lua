-- KEYS: term. ARGV: clock (3), span, token, holder. Returns the new end of the term.
local now = clock()
local running = term(KEYS[1])
if not running or running[2] <= now or running[1] ~= ARGV[5] or running[3] ~= ARGV[6] then return false end
local ends = whole(now + ARGV[4])
redis.call('SET', KEYS[1], ARGV[5] .. ':' .. ends .. ':' .. ARGV[6], 'PX', whole(ARGV[4] + ARGV[3]))
return ends
