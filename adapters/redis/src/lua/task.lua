-- The sets of the registry that contain a task.
local TASK_HEAD = {'status', 'task_type', 'index_uid', 'canceled_by', 'created_at', 'started_at', 'finished_at'}

-- Returns a uid as a member. All members have one length, so that those of one score are in order.
local function member_of(uid)
  return string.format('%010.0f', tonumber(uid))
end

-- Returns the columns of the row under `key` that determine its sets, or nothing if there is no row.
local function head_of(key)
  local head = {}
  for place, value in ipairs(redis.call('HMGET', key, unpack(TASK_HEAD))) do
    head[TASK_HEAD[place]] = value or nil
  end
  return head
end

local function is_finished(head)
  return head.status ~= 'enqueued' and head.status ~= 'processing'
end

-- Returns the sets of a task with that head, each with the task's score in it.
local function sets_of(base, uid, head)
  local sets = {}
  if not head.status then return sets end
  sets[base .. '_index'] = uid
  sets[base .. '_by:' .. head.status .. ':' .. head.task_type] = uid
  if head.index_uid then
    sets[base .. '_of:' .. head.index_uid .. ':' .. head.status .. ':' .. head.task_type] = uid
  end
  if head.canceled_by then sets[base .. '_canceled_by:' .. head.canceled_by] = uid end
  if not is_finished(head) then
    sets[base .. '_open'] = uid
  end
  sets[base .. '_enqueued'] = head.created_at
  if head.started_at then sets[base .. '_started'] = head.started_at end
  if head.finished_at then sets[base .. '_finished'] = head.finished_at end
  return sets
end

-- Moves a task from the sets of the head `before` to those of the head `after`.
local function move(base, uid, before, after)
  local member = member_of(uid)
  local old, new = sets_of(base, uid, before), sets_of(base, uid, after)
  for set in pairs(old) do
    if not new[set] then redis.call('ZREM', set, member) end
  end
  for set, score in pairs(new) do
    if old[set] ~= score then redis.call('ZADD', set, score, member) end
  end
end

-- Returns the head of a row that is about to be written. `fields` holds field and value of each column.
local function head_in(fields)
  local head = {}
  for place = 1, #fields, 2 do
    head[fields[place]] = fields[place + 1]
  end
  return head
end

