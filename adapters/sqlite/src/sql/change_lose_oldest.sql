UPDATE cdc_outbox_totals SET events = events - 1, bytes = bytes - oldest.size_bytes, lost = lost + 1
FROM (SELECT size_bytes FROM cdc_outbox WHERE sink_name = ?1 ORDER BY id LIMIT 1) AS oldest
WHERE sink_name = ?1
