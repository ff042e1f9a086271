-- Field and value of each column, which stand in ARGV behind their number at `first`; and the place after them.
local function fields_at(first)
  local count = tonumber(ARGV[first])
  local fields = {}
  for place = first + 1, first + count do
    fields[#fields + 1] = ARGV[place]
  end
  return fields, first + count + 1
end

