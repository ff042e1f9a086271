-- KEYS: those of task_replace.lua, prefix of the replicas, row of the settings, prefix of the outbox. ARGV:
-- those of task_replace.lua, number of arguments of the marks, the marks, number of rows of settings (0 or 1),
-- for it the expected version and the columns, budget in bytes, and sink, index and body of each event. The
-- marks are read and the settings compared first, so that nothing is written if a row is damaged or another.
local marks, damaged = marks_read(KEYS[3], 5 + tonumber(ARGV[4]))
if not marks then return {'damaged', damaged} end
local place, settings = marks.last + 2, nil
if ARGV[marks.last + 1] == '1' then
  if redis.call('HGET', KEYS[4], 'version') ~= ARGV[place] then return {'conflict', ''} end
  settings, place = fields_at(place + 1)
end
local answer = task_replace()
if answer[1] == 'stored' then
  marks_store(marks)
  if settings then
    redis.call('DEL', KEYS[4])
    redis.call('HSET', KEYS[4], unpack(settings))
  end
  append_all(KEYS[5], place)
end
return answer
