INSERT INTO cdc_outbox_sequence (sink_name, index_uid, last_seq, trimmed_to) VALUES (?1, ?2, 1, 0)
ON CONFLICT DO UPDATE SET last_seq = last_seq + 1
RETURNING last_seq
