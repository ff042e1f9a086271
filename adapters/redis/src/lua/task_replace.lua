-- Replaces a task. KEYS: row, prefix of tasks. ARGV: uid, expected version, statuses it may have, number of
-- arguments that follow, field, value, ... Returns a word, the status of the row if it refuses the new one,
-- and the position of the next argument.
local function task_replace()
  local fields, place = fields_at(4)
  local row = redis.call('HMGET', KEYS[1], 'version', 'status')
  if row[1] ~= ARGV[2] then return {'conflict', ''}, place end
  if not string.find(ARGV[3], ' ' .. row[2] .. ' ', 1, true) then return {'refused', row[2]}, place end
  local after = head_in(fields)
  move(KEYS[2], ARGV[1], head_of(KEYS[1]), after)
  if is_finished(after) then redis.call('DEL', KEYS[2] .. '_changes:' .. ARGV[1]) end
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], unpack(fields))
  return {'stored', ''}, place
end

