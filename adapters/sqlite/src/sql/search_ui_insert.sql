INSERT INTO search_ui_config (index_uid, config_json, updated_at, version) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT DO NOTHING
