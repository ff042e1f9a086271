INSERT INTO deleted_indexes (physical_uid) VALUES (?1)
ON CONFLICT DO NOTHING
