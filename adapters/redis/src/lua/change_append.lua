-- KEYS: what the keys of the outbox begin with. ARGV: the budget in bytes, and sink, index and body of each event.
append_all(KEYS[1], 1)
return 1
