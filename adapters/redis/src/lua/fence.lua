-- Refuses changes of a handle whose term is over. ARGV ends with the token of its term, or with an empty text
-- if it has no fence. With a token, KEYS ends with the fence of the table.
local fence = table.remove(ARGV)
if fence ~= '' then
  local greatest = redis.call('GET', table.remove(KEYS))
  if greatest and tonumber(greatest) > tonumber(fence) then
    return redis.error_reply('FENCED a later term has begun')
  end
end

