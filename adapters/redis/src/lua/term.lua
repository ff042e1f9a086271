-- Returns the term under `key`, stored as `token:end:holder`: token, end, holder. Returns nothing if there is
-- none.
local function term(key)
  local value = redis.call('GET', key)
  if not value then return nil end
  local token, ends, holder = string.match(value, '^(%d+):(%-?%d+):(.*)$')
  return {token, tonumber(ends), holder}
end

