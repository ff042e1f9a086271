-- KEYS: prefix of the outbox. ARGV: budget in bytes, and sink, index and body of each event.
append_all(KEYS[1], 1)
return 1
