-- KEYS: index, prefix of the replicas. ARGV: index uid. Returns the number of rows that were removed. A uid
-- contains no colon, so the names of its rows are those between `uid:` and `uid;`.
local removed = 0
for _, name in ipairs(redis.call('ZRANGEBYLEX', KEYS[1], '[' .. ARGV[1] .. ':', '(' .. ARGV[1] .. ';')) do
  removed = removed + redis.call('DEL', KEYS[2] .. guarded(name))
  redis.call('ZREM', KEYS[1], name)
end
return removed
