-- KEYS: keys of an index. ARGV: expected generation, 0 for none; number of arguments that follow, field,
-- value, ...
if (redis.call('HGET', KEYS[1], 'generation') or '0') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
return 1
