-- An event that was delivered before is not lost.
UPDATE cdc_outbox_totals SET events = events - 1, bytes = bytes - oldest.size_bytes, lost = lost + oldest.is_lost
FROM (
    SELECT size_bytes, seq > coalesce((
        SELECT delivered.seq FROM cdc_outbox_delivered AS delivered
        WHERE delivered.sink_name = cdc_outbox.sink_name AND delivered.index_uid = cdc_outbox.index_uid
    ), 0) AS is_lost
    FROM cdc_outbox WHERE sink_name = ?1 ORDER BY id LIMIT 1
) AS oldest
WHERE sink_name = ?1
