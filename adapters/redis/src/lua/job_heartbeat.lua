-- ARGV: id, token, now, new end of the claim, and the progress, if it is given.
local id, ends = ARGV[1], ARGV[4]
if not holds(id, ARGV[2], ARGV[3]) then return 0 end
redis.call('HSET', job(id), 'claim_expires_at', ends)
redis.call('ZADD', CLAIMED, ends, id)
if ARGV[5] then redis.call('HSET', job(id), 'progress', ARGV[5]) end
return 1
