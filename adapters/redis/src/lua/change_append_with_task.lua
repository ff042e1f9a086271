-- KEYS: those of task_replace.lua, prefix of the outbox. ARGV: those of task_replace.lua, budget in bytes,
-- and sink, index and body of each event.
local answer, place = task_replace()
if answer[1] == 'stored' then append_all(KEYS[3], place) end
return answer
