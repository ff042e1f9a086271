SELECT sink_name, state, reason, changed_at FROM cdc_sinks WHERE sink_name = ?1
