INSERT INTO jobs (id, type, params, state, attempts) VALUES (?1, ?2, ?3, ?4, 0)
ON CONFLICT DO NOTHING
