DELETE FROM search_ui_config WHERE index_uid = ?1
