INSERT INTO replica_recovery (only, term, oldest_open) VALUES (1, ?1, ?2)
ON CONFLICT DO UPDATE SET term = excluded.term, oldest_open = excluded.oldest_open