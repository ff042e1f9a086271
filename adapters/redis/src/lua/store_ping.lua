-- KEYS: what readiness counts up.
return redis.call('INCR', KEYS[1])
