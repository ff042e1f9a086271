-- KEYS: prefix of tasks. ARGV: number of fields, field, ..., uid, ... Returns uid and row of each.
local fields = {unpack(ARGV, 2, ARGV[1] + 1)}
local rows = {}
for place = ARGV[1] + 2, #ARGV do
  rows[#rows + 1] = {ARGV[place], redis.call('HMGET', KEYS[1] .. ARGV[place], unpack(fields))}
end
return rows
