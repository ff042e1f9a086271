-- Refuses changes of who leads no more. ARGV ends with the token of a term, or with nothing where there is no fence; KEYS
-- then ends with the greatest token that changes of this table were fenced with.
local fence = table.remove(ARGV)
if fence ~= '' then
  local greatest = redis.call('GET', table.remove(KEYS))
  if greatest and tonumber(greatest) > tonumber(fence) then
    return redis.error_reply('FENCED a later term has begun')
  end
end

