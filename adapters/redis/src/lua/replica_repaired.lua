-- KEYS: row, index. ARGV: name, state that the repair has seen. Removes the differences whose stamps are
-- those of that state, and the row with its last difference. Returns the name of the row if it is damaged.
local stamps, exists = stamps_at(KEYS[1])
if not stamps then return ARGV[1] end
if not exists then return false end
for difference, stamp in pairs(stamps_of(ARGV[2])) do
  if stamps[difference] == stamp then stamps[difference] = nil end
end
if next(stamps) then
  redis.call('HSET', KEYS[1], 'state', json_of(stamps))
else
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
end
return false
