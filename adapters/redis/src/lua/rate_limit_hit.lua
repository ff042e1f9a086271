-- KEYS: window. ARGV: clock (3), limit, span of a window. Returns whether the request may pass, how many more
-- may, and the time to wait.
local now = clock()
local window = redis.call('HMGET', KEYS[1], 'ends_at', 'hits')
local ends, hits, limit = tonumber(window[1] or now), tonumber(window[2] or 0), tonumber(ARGV[4])
if ends <= now then
  ends, hits = now + ARGV[5], 0
  redis.call('HSET', KEYS[1], 'ends_at', whole(ends), 'hits', 0)
  redis.call('PEXPIRE', KEYS[1], whole(ARGV[5] + ARGV[3]))
end
if hits >= limit then return {0, 0, whole(ends - now)} end
hits = redis.call('HINCRBY', KEYS[1], 'hits', 1)
return {1, whole(limit - hits), 0}
