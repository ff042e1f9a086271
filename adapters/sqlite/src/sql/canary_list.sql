SELECT id, name, index_uid, interval_s, query_json, assertions_json, enabled, created_at, version
FROM canaries
WHERE id >= ?1 AND id IS NOT ?2
ORDER BY id
LIMIT ?3
