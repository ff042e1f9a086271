-- KEYS: those of task_replace.lua, then what the keys of the outbox begin with. ARGV: those of task_replace.lua, then the
-- budget in bytes, and sink, index and body of each event.
local answer, place = task_replace()
if answer[1] ~= 'stored' then return answer end
local base, budget = KEYS[3], tonumber(ARGV[place])

local function append(of, body)
  local order = string.format('%.0f', redis.call('HINCRBY', of.size, 'order', 1))
  redis.call('HINCRBY', of.marks, 'last_seq', 1)
  redis.call('RPUSH', of.events, order .. ':' .. body)
  redis.call('HINCRBY', of.size, 'events', 1)
  redis.call('HINCRBY', of.size, 'bytes', #body)
  note_head(of)
end

-- Drops the sink's oldest events until the rest fits, each counted as lost.
local function trim(sink)
  local size = outbox(base, sink, '').size
  while tonumber(redis.call('HGET', size, 'bytes')) > budget do
    local oldest = outbox(base, sink, redis.call('ZRANGE', base .. '_heads:' .. sink, 0, 0)[1])
    redis.call('HSET', oldest.marks, 'trimmed_to', string.format('%.0f', first_seq(oldest)))
    shift(oldest, 1)
    redis.call('HINCRBY', size, 'lost', 1)
  end
end

for argument = place + 1, #ARGV, 3 do
  append(outbox(base, ARGV[argument], ARGV[argument + 1]), ARGV[argument + 2])
  trim(ARGV[argument])
end
return answer
