-- A name from outside, kept from meeting what the store keeps beside its rows. `keys.rs` does the same.
local function guarded(name)
  if string.sub(name, 1, 1) == '_' then return '_' .. name end
  return name
end

