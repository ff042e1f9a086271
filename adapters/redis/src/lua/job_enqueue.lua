-- ARGV: id, number of arguments that follow, field, value, ...
local id = ARGV[1]
if redis.call('EXISTS', job(id)) == 1 then return 0 end
redis.call('HSET', job(id), unpack(ARGV, 3))
redis.call('ZADD', INDEX, 0, id)
queue(id)
return 1
