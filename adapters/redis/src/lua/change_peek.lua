-- KEYS: prefix of the outbox. ARGV: sink, index, number after which to begin, limit. Returns the number of
-- the first event, the events, the last number that was dropped, and the last number.
local of = outbox(KEYS[1], ARGV[1], ARGV[2])
local first = first_seq(of)
local skipped = math.max(ARGV[3] - first + 1, 0)
local entries = {}
if tonumber(ARGV[4]) > 0 then
  entries = redis.call('LRANGE', of.events, string.format('%.0f', skipped), string.format('%.0f', skipped + ARGV[4] - 1))
end
return {
  string.format('%.0f', first + skipped),
  entries,
  string.format('%.0f', mark(of, 'trimmed_to')),
  string.format('%.0f', mark(of, 'last_seq')),
}
