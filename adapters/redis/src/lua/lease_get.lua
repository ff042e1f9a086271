-- KEYS: term. ARGV: clock (3).
local running = term(KEYS[1])
if not running or running[2] <= clock() then return false end
return {running[1], whole(running[2]), running[3]}
