UPDATE search_ui_config SET config_json = ?2, updated_at = ?3, version = ?4 WHERE index_uid = ?1
