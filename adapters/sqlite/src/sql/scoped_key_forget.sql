DELETE FROM search_ui_scoped_key_observations WHERE index_uid = ?1 AND observed_at <= ?2
