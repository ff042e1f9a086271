-- KEYS: keys of an index. ARGV: expected generation.
if redis.call('HGET', KEYS[1], 'generation') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'previous_uid')
return 1
