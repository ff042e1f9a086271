-- KEYS: session, sessions by expiry. ARGV: id, new expiry, now, time to live.
local ends = tonumber(redis.call('HGET', KEYS[1], 'ttl') or ARGV[3])
if ends <= tonumber(ARGV[3]) then return 0 end
if ends < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'ttl', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
end
return 1
