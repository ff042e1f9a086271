SELECT api_key_hash, tenant_id, group_id
FROM tenant_map
WHERE api_key_hash >= ?1 AND api_key_hash IS NOT ?2
ORDER BY api_key_hash
LIMIT ?3
