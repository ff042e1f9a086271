-- KEYS: jobs that wait, jobs that are claimed.
return {redis.call('ZCARD', KEYS[1]), redis.call('ZCARD', KEYS[2])}
