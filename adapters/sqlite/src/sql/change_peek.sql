SELECT sink_name, index_uid, seq, body
FROM cdc_outbox
WHERE sink_name = ?1 AND index_uid = ?2 AND seq > ?3
ORDER BY seq
LIMIT ?4
