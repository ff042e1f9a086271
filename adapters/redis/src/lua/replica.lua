-- Functions that the scripts of the replicas share. The stamps of a state are kept by the names of their
-- differences: the number of a shard, `settings`, or `index`. They stay text, because a number of Lua holds
-- 53 bits.

-- Returns the stamps of a state, or nothing if its JSON is not one that `json_of` writes.
local function stamps_of(json)
  local stamps = {}
  for name, stamp in string.gmatch(json, '"(%w+)":(%d+)') do
    if string.find(name, '%D') and name ~= 'settings' and name ~= 'index' then return nil end
    stamps[name] = stamp
  end
  local rest = string.gsub(json, '"%w+":%d+,?', '')
  if rest == '{}' or rest == '{"shards":{}}' or rest == '{"shards":{},}' then return stamps end
end

local function json_of(stamps)
  local shards, parts = {}, {}
  for name, stamp in pairs(stamps) do
    if not string.find(name, '%D') then shards[#shards + 1] = '"' .. name .. '":' .. stamp end
  end
  if #shards > 0 then parts[1] = '"shards":{' .. table.concat(shards, ',') .. '}' end
  for _, name in ipairs({'settings', 'index'}) do
    if stamps[name] then parts[#parts + 1] = '"' .. name .. '":' .. stamps[name] end
  end
  return '{' .. table.concat(parts, ',') .. '}'
end

-- Returns the stamps of the row under `key`, which are empty without a row, and whether there is a row.
-- Returns nothing if the row is damaged.
local function stamps_at(key)
  local json = redis.call('HGET', key, 'state')
  if json then return stamps_of(json), true end
  if redis.call('EXISTS', key) == 0 then return {}, false end
end

