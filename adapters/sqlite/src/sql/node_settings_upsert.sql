INSERT INTO node_settings_version (index_uid, node_id, version, updated_at) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT DO UPDATE SET version = excluded.version, updated_at = excluded.updated_at
