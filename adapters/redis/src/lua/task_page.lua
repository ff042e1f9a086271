-- KEYS: prefix of tasks, then the sets whose tasks match, each task in one of them. ARGV: the first uid or
-- nothing, 1 for oldest first, limit, field, ... Returns the number of matches, the uids and rows of the
-- page, and the uid after it.
local reverse, limit = ARGV[2] == '1', tonumber(ARGV[3])
local from = ARGV[1] ~= '' and ARGV[1] or (reverse and '-inf' or '+inf')
local total, candidates = 0, {}
for place = 2, #KEYS do
  local count = redis.call('ZCARD', KEYS[place])
  total = total + count
  if count > 0 then
    local found
    if reverse then
      found = redis.call('ZRANGEBYSCORE', KEYS[place], from, '+inf', 'LIMIT', 0, limit + 1)
    else
      found = redis.call('ZREVRANGEBYSCORE', KEYS[place], from, '-inf', 'LIMIT', 0, limit + 1)
    end
    for _, member in ipairs(found) do
      candidates[#candidates + 1] = member
    end
  end
end
-- Members have one length, so their order as text is that of their uids.
if #KEYS > 2 then
  if reverse then table.sort(candidates) else table.sort(candidates, function(a, b) return a > b end) end
end
local rows = {}
for place = 1, math.min(limit, #candidates) do
  local uid = string.format('%.0f', tonumber(candidates[place]))
  rows[place] = {uid, redis.call('HMGET', KEYS[1] .. uid, unpack(ARGV, 4))}
end
local next = candidates[limit + 1]
return {total, rows, next and string.format('%.0f', tonumber(next)) or false}
