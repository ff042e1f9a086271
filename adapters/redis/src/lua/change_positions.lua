-- KEYS: prefix of the outbox. ARGV: sink. Returns each index with the last number that was dropped and the
-- last number.
local positions = {}
for _, index in ipairs(redis.call('ZRANGE', outbox(KEYS[1], ARGV[1], '').indexes, 0, -1)) do
  local of = outbox(KEYS[1], ARGV[1], index)
  positions[#positions + 1] = {
    index, string.format('%.0f', mark(of, 'trimmed_to')), string.format('%.0f', mark(of, 'last_seq')),
  }
end
return positions
