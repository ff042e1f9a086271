-- Events that are removed after their delivery are no longer counted, and are not lost.
UPDATE cdc_outbox_totals
SET events = cdc_outbox_totals.events - gone.events, bytes = cdc_outbox_totals.bytes - gone.bytes
FROM (
    SELECT count(*) AS events, coalesce(sum(size_bytes), 0) AS bytes FROM cdc_outbox
    WHERE sink_name = ?1 AND index_uid = ?2 AND seq <= ?3
) AS gone
WHERE sink_name = ?1
