-- KEYS: entry, index of entries, physical uids of deleted entries, nodes of the index, prefix of its node
-- settings rows. ARGV: uid, physical uid. Returns whether there was such an entry.
for _, node in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1)) do
  redis.call('DEL', KEYS[5] .. guarded(node))
end
redis.call('DEL', KEYS[4])
redis.call('SADD', KEYS[3], ARGV[2])
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if (redis.call('HGET', KEYS[1], 'physical_uid') or ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])
