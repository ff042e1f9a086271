-- KEYS: what the keys of the outbox begin with. ARGV: sink, index, the number up to which, and of those how many to keep.
-- Answers how many went.
local of = outbox(KEYS[1], ARGV[1], ARGV[2])
local seq = math.min(ARGV[3], mark(of, 'last_seq'))
if seq > mark(of, 'delivered_to') then redis.call('HSET', of.marks, 'delivered_to', string.format('%.0f', seq)) end
local count = math.min(seq - ARGV[4] - first_seq(of) + 1, redis.call('LLEN', of.events))
if count <= 0 then return 0 end
shift(of, count)
return string.format('%.0f', count)
