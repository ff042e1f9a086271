-- KEYS: those of task_replace.lua, prefix of the replicas, prefix of the outbox. ARGV: those of
-- task_replace.lua, number of arguments of the marks, the marks, budget in bytes, and sink, index and body of
-- each event. The marks are read first, so that nothing is written if a row that they change is damaged.
local marks, damaged = marks_read(KEYS[3], 5 + tonumber(ARGV[4]))
if not marks then return {'damaged', damaged} end
local answer = task_replace()
if answer[1] == 'stored' then
  marks_store(marks)
  append_all(KEYS[4], marks.last + 1)
end
return answer
