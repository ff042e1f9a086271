INSERT OR REPLACE INTO tenant_map (api_key_hash, tenant_id, group_id) VALUES (?1, ?2, ?3)
