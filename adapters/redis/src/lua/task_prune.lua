-- KEYS: prefix of tasks, tasks by the instant they finished, unfinished tasks. ARGV: instant, limit. Returns
-- the number of tasks that were deleted.
local pruned, passed, limit = 0, 0, tonumber(ARGV[2])
repeat
  local old = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[1], 'LIMIT', passed, limit - pruned)
  for _, member in ipairs(old) do
    if redis.call('ZSCORE', KEYS[3], member) then
      passed = passed + 1
    else
      local uid = string.format('%.0f', tonumber(member))
      move(KEYS[1], uid, head_of(KEYS[1] .. uid), {})
      redis.call('DEL', KEYS[1] .. uid)
      -- Also if the row was already missing.
      redis.call('ZREM', KEYS[2], member)
      pruned = pruned + 1
    end
  end
until #old == 0 or pruned == limit
return pruned
