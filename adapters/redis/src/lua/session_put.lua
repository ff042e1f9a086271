-- KEYS: session, sessions by the instant they end, what the keys of sessions begin with.
-- ARGV: id, when it ends, now, how many there may be, time to live, number of arguments that follow, field, value, ...
-- Answers how many had to go for it.
local id, ends, now, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
-- How many that have ended are collected on the way: enough to keep up, few enough to be quick.
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
