-- KEYS: one row or several. ARGV: for each row its expected version and its columns; at the end 1 to write
-- nothing. Returns whether every row has its version. If so, all are written.
local rows = {}
local place = 1
for number, key in ipairs(KEYS) do
  if redis.call('HGET', key, 'version') ~= ARGV[place] then return 0 end
  rows[number], place = fields_at(place + 1)
end
if ARGV[place] == '1' then return 1 end
for number, key in ipairs(KEYS) do
  redis.call('DEL', key)
  redis.call('HSET', key, unpack(rows[number]))
end
return 1
