-- KEYS: row. ARGV: now, hash of the body, owner, expiry of the reservation, time to live. Returns a word and
-- its value.
local row = redis.call('HMGET', KEYS[1], 'expires_at', 'body_sha256', 'miroir_task_id')
if row[1] and tonumber(ARGV[1]) < tonumber(row[1]) then
  if row[2] ~= ARGV[2] then return {'mismatch', '0'} end
  if row[3] then return {'completed', row[3]} end
  return {'in progress', row[1]}
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'body_sha256', ARGV[2], 'owner', ARGV[3], 'expires_at', ARGV[4], 'state', 'reserved')
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return {'reserved', '0'}
