-- KEYS: failures of an address. ARGV: clock (3), number of free failures, first wait, longest wait. Returns
-- the time that the attempt has to wait, which is that of `miroir_domain::admin_session::login_wait`. If it
-- is 0, the attempt is counted.
local now = clock()
local free, first, longest = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local row = redis.call('HMGET', KEYS[1], 'failures', 'last_at')
local failures, last = tonumber(row[1] or 0), tonumber(row[2] or now)
if last + 2 * longest <= now then failures = 0 end
local wait = 0
if failures >= free then wait = math.min(first * 2 ^ (failures - free), longest) end
if now < last + wait then return whole(last + wait - now) end
redis.call('HSET', KEYS[1], 'failures', whole(failures + 1), 'last_at', whole(now))
redis.call('PEXPIRE', KEYS[1], whole(2 * longest + ARGV[3]))
return 0
