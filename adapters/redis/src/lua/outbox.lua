-- Functions that the scripts of the outbox share: the keys of a sink and index, and the removal of events.
local function outbox(base, sink, index)
  return {
    sink = sink,
    index = index,
    events = base .. guarded(sink) .. ':' .. guarded(index),
    marks = base .. '_marks:' .. sink .. ':' .. index,
    heads = base .. '_heads:' .. sink,
    size = base .. '_size:' .. sink,
    indexes = base .. '_indexes:' .. sink,
  }
end

local function mark(of, field)
  return tonumber(redis.call('HGET', of.marks, field) or 0)
end

-- Returns the number of the first event that is kept.
local function first_seq(of)
  return mark(of, 'last_seq') - redis.call('LLEN', of.events) + 1
end

-- Records the place of the event that is now first.
local function note_head(of)
  local first = redis.call('LINDEX', of.events, 0)
  if first then
    redis.call('ZADD', of.heads, string.match(first, '^%d+'), of.index)
  else
    redis.call('ZREM', of.heads, of.index)
  end
end

-- Removes the `count` oldest events of an index.
local function shift(of, count)
  local bytes = 0
  for _ = 1, count do
    local entry = redis.call('LPOP', of.events)
    bytes = bytes + #entry - string.find(entry, ':', 1, true)
  end
  redis.call('HINCRBY', of.size, 'events', string.format('%.0f', -count))
  redis.call('HINCRBY', of.size, 'bytes', string.format('%.0f', -bytes))
  note_head(of)
end

