-- KEYS: sorted sets. ARGV: lower and upper bound of each. Answers how many members lie within, in all.
local count = 0
for place, key in ipairs(KEYS) do
  count = count + redis.call('ZCOUNT', key, ARGV[2 * place - 1], ARGV[2 * place])
end
return count
