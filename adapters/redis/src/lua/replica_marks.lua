-- Functions that store marks. ARGV holds the number of their arguments, and six arguments of each: index,
-- node, names of the differences with spaces between them, task or an empty text, reason, instant.

-- Reads what the marks change whose number of arguments is in ARGV at `place`, and writes nothing. Returns
-- nothing and the name of a damaged key if there is one.
local function marks_read(base, place)
  local first, last = place + 1, place + tonumber(ARGV[place])
  local stamp = tonumber(redis.call('GET', base .. '_stamp') or 0)
  if not stamp then return nil, '_stamp' end
  local read = {base = base, first = first, last = last, stamp = stamp, rows = {}}
  for place = first, last, 6 do
    local name = ARGV[place] .. ':' .. ARGV[place + 1]
    if not read.rows[name] then
      local key = base .. guarded(name)
      local stamps, exists = stamps_at(key)
      if not stamps then return nil, name end
      read.rows[name] = {key = key, stamps = stamps, exists = exists}
    end
  end
  return read
end

-- Creates the row of a first mark, whose arguments begin at `place`.
local function row_create(read, row, place)
  redis.call('HSET', row.key, 'index', ARGV[place], 'node', ARGV[place + 1],
    'reason', ARGV[place + 4], 'since', ARGV[place + 5])
  if ARGV[place + 3] ~= '' then redis.call('HSET', row.key, 'task', ARGV[place + 3]) end
  redis.call('ZADD', read.base .. '_index', 0, ARGV[place] .. ':' .. ARGV[place + 1])
  row.exists = true
end

-- Stores the marks that were read. Each gets the next stamp.
local function marks_store(read)
  for place = read.first, read.last, 6 do
    local row = read.rows[ARGV[place] .. ':' .. ARGV[place + 1]]
    read.stamp = read.stamp + 1
    local stamp = string.format('%.0f', read.stamp)
    for name in string.gmatch(ARGV[place + 2], '%w+') do row.stamps[name] = stamp end
    if not row.exists then row_create(read, row, place) end
  end
  for _, row in pairs(read.rows) do redis.call('HSET', row.key, 'state', json_of(row.stamps)) end
  if read.last < read.first then return end
  redis.call('SET', read.base .. '_stamp', string.format('%.0f', read.stamp))
end

