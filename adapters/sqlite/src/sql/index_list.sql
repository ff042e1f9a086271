SELECT uid, physical_uid, primary_key, shard_count, settings_version, created_at, updated_at, version
FROM indexes
WHERE uid >= ?1 AND uid IS NOT ?2
ORDER BY uid
LIMIT ?3
