SELECT sink_name, index_uid, last_event_seq, updated_at
FROM cdc_cursors
WHERE sink_name = ?1
ORDER BY index_uid
