INSERT INTO aliases (name, kind, current_uid, target_uids, version, created_at, history)
VALUES (:name, :kind, :current_uid, :target_uids, :version, :created_at, :history)
ON CONFLICT DO NOTHING
