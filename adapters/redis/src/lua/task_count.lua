-- KEYS: sorted sets. ARGV: lower and upper bound of each. Returns the number of members within the bounds, in
-- all.
local count = 0
for place, key in ipairs(KEYS) do
  count = count + redis.call('ZCOUNT', key, ARGV[2 * place - 1], ARGV[2 * place])
end
return count
