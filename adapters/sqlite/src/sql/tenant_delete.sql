DELETE FROM tenant_map WHERE api_key_hash = ?1
