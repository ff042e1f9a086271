-- KEYS: prefix of tasks, a sorted set of tasks. ARGV: lower bound, upper bound, number of members to skip,
-- limit, field, ... Returns uid, score and row of each.
local found = redis.call('ZRANGEBYSCORE', KEYS[2], ARGV[1], ARGV[2], 'WITHSCORES', 'LIMIT', ARGV[3], ARGV[4])
local rows = {}
for place = 1, #found, 2 do
  local uid = string.format('%.0f', tonumber(found[place]))
  local key = KEYS[1] .. uid
  rows[#rows + 1] = {uid, string.format('%.0f', tonumber(found[place + 1])), redis.call('HMGET', key, unpack(ARGV, 5))}
end
return rows
