SELECT events, bytes, lost FROM cdc_outbox_totals WHERE sink_name = ?1
