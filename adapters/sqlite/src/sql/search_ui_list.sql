SELECT index_uid, config_json, updated_at, version
FROM search_ui_config
WHERE index_uid >= ?1 AND index_uid IS NOT ?2
ORDER BY index_uid
LIMIT ?3
