-- KEYS: prefix of the replicas. ARGV: the marks. Returns the name of a damaged key, if there is one.
local marks, damaged = marks_read(KEYS[1], 1)
if not marks then return damaged end
marks_store(marks)
return false
