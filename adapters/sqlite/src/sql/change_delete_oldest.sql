DELETE FROM cdc_outbox WHERE id = (SELECT id FROM cdc_outbox WHERE sink_name = ?1 ORDER BY id LIMIT 1)
