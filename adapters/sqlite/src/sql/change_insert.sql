INSERT INTO cdc_outbox (sink_name, index_uid, seq, body, size_bytes) VALUES (?1, ?2, ?3, ?4, ?5)
