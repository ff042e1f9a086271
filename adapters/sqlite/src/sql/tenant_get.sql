SELECT api_key_hash, tenant_id, group_id
FROM tenant_map
WHERE api_key_hash = ?1
