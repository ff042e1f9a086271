UPDATE search_ui_scoped_keys SET previous_uid = NULL WHERE index_uid = ?1 AND generation = ?2
