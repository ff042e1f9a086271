-- ARGV: claimant, end of the claim, now, field, ... Returns id and row of the job that waited longest.
local by, ends, now = ARGV[1], ARGV[2], ARGV[3]
for _, id in ipairs(redis.call('ZRANGEBYSCORE', CLAIMED, '-inf', now)) do
  local holder = redis.call('HGET', job(id), 'claimed_by')
  if holder then
    give_back(id, 'the claim of `' .. holder .. '` expired')
  else
    redis.call('ZREM', CLAIMED, id)
  end
end
while true do
  local id = redis.call('ZPOPMIN', QUEUED)[1]
  if not id then return false end
  -- Skips jobs whose rows were deleted without the queue.
  if redis.call('EXISTS', job(id)) == 1 then
    redis.call('HSET', job(id), 'state', 'claimed', 'claimed_by', by, 'claim_expires_at', ends,
      'claim_token', string.format('%.0f', redis.call('INCR', TOKEN)))
    redis.call('HINCRBY', job(id), 'attempts', 1)
    redis.call('ZADD', CLAIMED, ends, id)
    return {id, redis.call('HMGET', job(id), unpack(ARGV, 4))}
  end
end
