SELECT sink_name, index_uid, trimmed_to, last_seq FROM cdc_outbox_sequence
WHERE sink_name = ?1 ORDER BY index_uid
