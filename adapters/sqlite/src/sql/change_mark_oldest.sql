-- Moves `trimmed_to` of the index of the sink's oldest event.
UPDATE cdc_outbox_sequence SET trimmed_to = oldest.seq
FROM (SELECT index_uid, seq FROM cdc_outbox WHERE sink_name = ?1 ORDER BY id LIMIT 1) AS oldest
WHERE cdc_outbox_sequence.sink_name = ?1 AND cdc_outbox_sequence.index_uid = oldest.index_uid
