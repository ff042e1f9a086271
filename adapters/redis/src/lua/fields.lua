-- Returns field and value of each column, which follow their number in ARGV at `first`, and the position
-- after them.
local function fields_at(first)
  local count = tonumber(ARGV[first])
  local fields = {}
  for place = first + 1, first + count do
    fields[#fields + 1] = ARGV[place]
  end
  return fields, first + count + 1
end

