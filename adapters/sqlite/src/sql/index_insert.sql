INSERT INTO indexes (uid, primary_key, shard_count, settings_version, created_at, updated_at, version)
VALUES (:uid, :primary_key, :shard_count, :settings_version, :created_at, :updated_at, :version)
ON CONFLICT DO NOTHING
