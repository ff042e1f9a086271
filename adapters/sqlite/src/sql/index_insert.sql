INSERT INTO indexes (uid, physical_uid, primary_key, shard_count, settings_version, created_at, updated_at, version)
VALUES (:uid, :physical_uid, :primary_key, :shard_count, :settings_version, :created_at, :updated_at, :version)
ON CONFLICT DO NOTHING
