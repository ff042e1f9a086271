SELECT uid, physical_uid, primary_key, shard_count, settings_version, created_at, updated_at, version
FROM indexes
WHERE uid = ?1
