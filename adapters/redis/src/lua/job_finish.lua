-- ARGV: id, token, now, outcome, and the error of an outcome without success.
local id, how = ARGV[1], ARGV[4]
if not holds(id, ARGV[2], ARGV[3]) then return 0 end
if how == 'retry' then
  give_back(id, ARGV[5])
else
  if how == 'succeeded' then redis.call('HDEL', job(id), 'last_error') end
  settle(id, how, ARGV[5])
end
return 1
