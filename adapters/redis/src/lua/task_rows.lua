-- KEYS: what the keys of tasks begin with. ARGV: how many fields, field, ..., uid, ... Answers uid and row of each.
local fields = {unpack(ARGV, 2, ARGV[1] + 1)}
local rows = {}
for place = ARGV[1] + 2, #ARGV do
  rows[#rows + 1] = {ARGV[place], redis.call('HMGET', KEYS[1] .. ARGV[place], unpack(fields))}
end
return rows
