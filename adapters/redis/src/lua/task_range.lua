-- KEYS: what the keys of tasks begin with, a sorted set of tasks. ARGV: lower bound, upper bound, how many to pass over, how
-- many at most, field, ... Answers uid, score and row of each.
local found = redis.call('ZRANGEBYSCORE', KEYS[2], ARGV[1], ARGV[2], 'WITHSCORES', 'LIMIT', ARGV[3], ARGV[4])
local rows = {}
for place = 1, #found, 2 do
  local uid = string.format('%.0f', tonumber(found[place]))
  local key = KEYS[1] .. uid
  rows[#rows + 1] = {uid, string.format('%.0f', tonumber(found[place + 1])), redis.call('HMGET', key, unpack(ARGV, 5))}
end
return rows
