-- KEYS: failures of an address.
redis.call('DEL', KEYS[1])
