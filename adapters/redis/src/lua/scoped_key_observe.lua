-- KEYS: record, index of records. ARGV: instance, generation, now, time for which a record counts, time to
-- live, number of arguments that follow, field, value, ...
local known = redis.call('HMGET', KEYS[1], 'generation', 'observed_at')
redis.call('HSET', KEYS[1], unpack(ARGV, 7))
if known[1] and tonumber(ARGV[3]) < known[2] + ARGV[4] and greater(known[1], ARGV[2]) then
  redis.call('HSET', KEYS[1], 'generation', known[1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('ZADD', KEYS[2], 0, ARGV[1])
