-- KEYS: what the keys of the outbox begin with. ARGV: sink, index, the number up to which. Answers how many went.
local of = outbox(KEYS[1], ARGV[1], ARGV[2])
local count = math.min(ARGV[3] - first_seq(of) + 1, redis.call('LLEN', of.events))
if count <= 0 then return 0 end
shift(of, count)
return string.format('%.0f', count)
