-- KEYS: session, sessions by expiry, prefix of sessions. ARGV: id, expiry, now, maximum number, time to live,
-- number of arguments that follow, field, value, ... Returns the number of sessions that were evicted.
local id, ends, now, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
-- The number of expired sessions that each call removes: enough to keep up, and few enough to be fast.
local collected = 100

local function drop(name)
  redis.call('DEL', KEYS[3] .. guarded(name))
  redis.call('ZREM', KEYS[2], name)
end

redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 7))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('ZADD', KEYS[2], ends, id)
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, collected)) do
  drop(name)
end
local excess = redis.call('ZCOUNT', KEYS[2], '(' .. now, '+inf') - most
if excess <= 0 then return 0 end
local evicted = 0
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. now, '+inf', 'LIMIT', 0, excess + 1)) do
  if name ~= id and evicted < excess then
    drop(name)
    evicted = evicted + 1
  end
end
return evicted
