-- The time. ARGV: 1 for the caller's clock and 0 for the server's, the caller's now, time for which keys
-- outlive their rows.
local function clock()
  if ARGV[1] == '1' then return tonumber(ARGV[2]) end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Returns a whole number as text, without an exponent.
local function whole(number)
  return string.format('%.0f', number)
end

