-- KEYS: index, prefix of its rows. ARGV: suffix of its rows, lower bound, limit, field, ... Returns names and
-- rows. A name whose row has expired is pruned and replaced by the next.
local names, rows = {}, {}
local from, wanted = ARGV[2], tonumber(ARGV[3])
repeat
  local missing = wanted - #names
  local found = redis.call('ZRANGEBYLEX', KEYS[1], from, '+', 'LIMIT', 0, missing)
  for _, name in ipairs(found) do
    local key = KEYS[2] .. guarded(name) .. ARGV[1]
    if redis.call('EXISTS', key) == 1 then
      names[#names + 1] = name
      rows[#rows + 1] = redis.call('HMGET', key, unpack(ARGV, 4))
    else
      redis.call('ZREM', KEYS[1], name)
    end
    from = '(' .. name
  end
until #found < missing or #names == wanted
return {names, rows}
