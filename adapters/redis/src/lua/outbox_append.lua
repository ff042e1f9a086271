-- Functions that append events and drop those that exceed the budget.
local function append(of, body)
  local order = string.format('%.0f', redis.call('HINCRBY', of.size, 'order', 1))
  redis.call('HINCRBY', of.marks, 'last_seq', 1)
  redis.call('ZADD', of.indexes, 0, of.index)
  redis.call('RPUSH', of.events, order .. ':' .. body)
  redis.call('HINCRBY', of.size, 'events', 1)
  redis.call('HINCRBY', of.size, 'bytes', #body)
  note_head(of)
end

-- Drops the sink's oldest events until the rest fits. Those that were not delivered are counted as lost.
local function trim(base, sink, budget)
  local size = outbox(base, sink, '').size
  while tonumber(redis.call('HGET', size, 'bytes')) > budget do
    local oldest = outbox(base, sink, redis.call('ZRANGE', outbox(base, sink, '').heads, 0, 0)[1])
    local seq = first_seq(oldest)
    redis.call('HSET', oldest.marks, 'trimmed_to', string.format('%.0f', seq))
    shift(oldest, 1)
    if seq > mark(oldest, 'delivered_to') then redis.call('HINCRBY', size, 'lost', 1) end
  end
end

-- Appends the events whose sink, index and body follow the budget in ARGV at `place`.
local function append_all(base, place)
  for argument = place + 1, #ARGV, 3 do
    append(outbox(base, ARGV[argument], ARGV[argument + 1]), ARGV[argument + 2])
    trim(base, ARGV[argument], tonumber(ARGV[place]))
  end
end

