-- KEYS: counter of the readiness check.
return redis.call('INCR', KEYS[1])
