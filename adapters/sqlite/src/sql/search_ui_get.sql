SELECT index_uid, config_json, updated_at, version
FROM search_ui_config
WHERE index_uid = ?1
