-- KEYS: schema version. ARGV: the version that the keyspace has from now on, unless it has a later one.
if tonumber(redis.call('GET', KEYS[1]) or 0) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
return 1
