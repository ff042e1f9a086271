-- ARGV: id.
local state = redis.call('HGET', job(ARGV[1]), 'state')
if not state or state == 'queued' or state == 'claimed' then return 0 end
redis.call('ZREM', INDEX, ARGV[1])
return redis.call('DEL', job(ARGV[1]))
