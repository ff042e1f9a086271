INSERT INTO cdc_outbox_delivered (sink_name, index_uid, seq) VALUES (?1, ?2, ?3)
ON CONFLICT DO UPDATE SET seq = max(seq, excluded.seq)
