-- Returns a name from outside so that it cannot collide with the store's own keys. `keys.rs` does the same.
local function guarded(name)
  if string.sub(name, 1, 1) == '_' then return '_' .. name end
  return name
end

