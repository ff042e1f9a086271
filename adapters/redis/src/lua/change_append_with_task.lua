-- KEYS: those of task_replace.lua, then what the keys of the outbox begin with. ARGV: those of task_replace.lua, then the
-- budget in bytes, and sink, index and body of each event.
local answer, place = task_replace()
if answer[1] == 'stored' then append_all(KEYS[3], place) end
return answer
