-- The time. ARGV: 1 where it is the caller's clock that counts, the caller's now, and by how much longer keys live.
local function clock()
  if ARGV[1] == '1' then return tonumber(ARGV[2]) end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A whole number as text, without an exponent.
local function whole(number)
  return string.format('%.0f', number)
end

