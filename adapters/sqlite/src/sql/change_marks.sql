SELECT last_seq, trimmed_to FROM cdc_outbox_sequence WHERE sink_name = ?1 AND index_uid = ?2
