-- KEYS: prefix of the outbox. ARGV: sink, index, number that was confirmed, number of confirmed events to
-- keep. Returns the number of events that were removed.
local of = outbox(KEYS[1], ARGV[1], ARGV[2])
local seq = math.min(ARGV[3], mark(of, 'last_seq'))
if seq > mark(of, 'delivered_to') then redis.call('HSET', of.marks, 'delivered_to', string.format('%.0f', seq)) end
local count = math.min(seq - ARGV[4] - first_seq(of) + 1, redis.call('LLEN', of.events))
if count <= 0 then return 0 end
shift(of, count)
return string.format('%.0f', count)
