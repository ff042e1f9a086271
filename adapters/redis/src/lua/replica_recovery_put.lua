-- KEYS: progress. ARGV: term, oldest unfinished task.
redis.call('HSET', KEYS[1], 'term', ARGV[1], 'oldest_open', ARGV[2])
return 1
