-- Returns whether the first of two decimal numbers is greater. They are compared as text, because a number of
-- Lua holds 53 bits.
local function greater(one, other)
  if #one ~= #other then return #one > #other end
  return one > other
end

