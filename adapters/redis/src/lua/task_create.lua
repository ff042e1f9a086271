-- KEYS: next uid, prefix of tasks. ARGV: the greatest uid, number of arguments that follow, field, value,
-- ..., and the changes that the task will make, if any. Returns the uid, or nothing if all are used up.
local next = tonumber(redis.call('GET', KEYS[1]) or 0)
if next > tonumber(ARGV[1]) then return false end
local uid = string.format('%.0f', redis.call('INCR', KEYS[1]) - 1)
local fields, place = fields_at(2)
redis.call('HSET', KEYS[2] .. uid, unpack(fields))
if ARGV[place] then redis.call('SET', KEYS[2] .. '_changes:' .. uid, ARGV[place]) end
move(KEYS[2], uid, {}, head_in(fields))
return uid
