INSERT INTO cdc_cursors (sink_name, index_uid, last_event_seq, updated_at) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT DO UPDATE SET last_event_seq = excluded.last_event_seq, updated_at = excluded.updated_at
