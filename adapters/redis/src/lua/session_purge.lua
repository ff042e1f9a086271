-- KEYS: sessions by the instant they end, what the keys of sessions begin with. ARGV: now, how many at most.
local ended = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, name in ipairs(ended) do
  redis.call('DEL', KEYS[2] .. guarded(name))
  redis.call('ZREM', KEYS[1], name)
end
return #ended
