-- KEYS: index, prefix of the terms. ARGV: clock (3). Returns scopes and terms, and prunes scopes that have
-- none.
local now = clock()
local found = {}
for _, scope in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local running = term(KEYS[2] .. guarded(scope))
  if not running then
    redis.call('ZREM', KEYS[1], scope)
  elseif now < running[2] then
    found[#found + 1] = {scope, {running[1], whole(running[2]), running[3]}}
  end
end
return found
