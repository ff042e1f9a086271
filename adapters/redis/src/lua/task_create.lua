-- KEYS: last uid and one, what the keys of tasks begin with. ARGV: the last uid there is, number of arguments that follow,
-- field, value, ..., and what the task will have changed, if it will. Answers the uid, or nothing when every one has been given.
local next = tonumber(redis.call('GET', KEYS[1]) or 0)
if next > tonumber(ARGV[1]) then return false end
local uid = string.format('%.0f', redis.call('INCR', KEYS[1]) - 1)
local fields, place = fields_at(2)
redis.call('HSET', KEYS[2] .. uid, unpack(fields))
if ARGV[place] then redis.call('SET', KEYS[2] .. '_changes:' .. uid, ARGV[place]) end
move(KEYS[2], uid, {}, head_in(fields))
return uid
