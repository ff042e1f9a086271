UPDATE indexes
SET physical_uid = :physical_uid, primary_key = :primary_key, shard_count = :shard_count, settings_version = :settings_version,
    created_at = :created_at, updated_at = :updated_at, version = :version
WHERE uid = :uid
