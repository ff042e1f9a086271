-- Functions that the scripts of the queue share. KEYS: all jobs by id, waiting jobs by place, claimed jobs by
-- the end of their claim, last place, last token, prefix of the rows.
local INDEX, QUEUED, CLAIMED, PLACE, TOKEN, BASE = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]

local function job(id)
  return BASE .. guarded(id)
end

-- Moves a job to the end of the queue.
local function queue(id)
  redis.call('ZADD', QUEUED, redis.call('INCR', PLACE), id)
end

-- Returns whether the job is claimed with `token` and the claim has not expired at `now`.
local function holds(id, token, now)
  local row = redis.call('HMGET', job(id), 'state', 'claim_token', 'claim_expires_at')
  return row[1] == 'claimed' and row[2] == token and tonumber(now) < tonumber(row[3])
end

-- Removes the claim and sets the job to `state`. `failure` is the error of the last attempt, if it failed.
local function settle(id, state, failure)
  redis.call('ZREM', CLAIMED, id)
  redis.call('ZREM', QUEUED, id)
  redis.call('HDEL', job(id), 'claimed_by', 'claim_expires_at', 'claim_token')
  redis.call('HSET', job(id), 'state', state)
  if failure then redis.call('HSET', job(id), 'last_error', failure) end
  if state == 'queued' then queue(id) end
end

-- Queues the job again, or fails it if its attempts are used up.
local function give_back(id, failure)
  local row = redis.call('HMGET', job(id), 'attempts', 'max_attempts')
  settle(id, tonumber(row[1]) < tonumber(row[2]) and 'queued' or 'failed', failure)
end

