INSERT OR REPLACE INTO cdc_sinks (sink_name, state, reason, changed_at) VALUES (?1, ?2, ?3, ?4)
