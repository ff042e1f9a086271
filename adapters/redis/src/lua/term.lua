-- The term under `key`, kept as `token:end:holder`: token, when it ends, holder. Nothing where there is none.
local function term(key)
  local value = redis.call('GET', key)
  if not value then return nil end
  local token, ends, holder = string.match(value, '^(%d+):(%-?%d+):(.*)$')
  return {token, tonumber(ends), holder}
end

