-- KEYS: entry, index of entries, nodes of the index, prefix of its node settings rows. ARGV: uid.
for _, node in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
  redis.call('DEL', KEYS[4] .. guarded(node))
end
redis.call('DEL', KEYS[3])
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])
