-- KEYS: canary, index of canaries, its runs. ARGV: id.
redis.call('DEL', KEYS[3])
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])
