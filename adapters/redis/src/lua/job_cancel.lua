-- ARGV: id.
local state = redis.call('HGET', job(ARGV[1]), 'state')
if state ~= 'queued' and state ~= 'claimed' then return 0 end
settle(ARGV[1], 'canceled')
return 1
