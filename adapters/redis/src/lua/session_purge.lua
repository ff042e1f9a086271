-- KEYS: sessions by expiry, prefix of sessions. ARGV: now, limit.
local ended = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, name in ipairs(ended) do
  redis.call('DEL', KEYS[2] .. guarded(name))
  redis.call('ZREM', KEYS[1], name)
end
return #ended
