-- Whether the first of two decimal numbers is greater. They are compared as text: a number of Lua holds 53 bits of them.
local function greater(one, other)
  if #one ~= #other then return #one > #other end
  return one > other
end

