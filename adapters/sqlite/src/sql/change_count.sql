INSERT INTO cdc_outbox_totals (sink_name, events, bytes, lost) VALUES (?1, 1, ?2, 0)
ON CONFLICT DO UPDATE SET events = events + 1, bytes = bytes + excluded.bytes
