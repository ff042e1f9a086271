UPDATE aliases
SET kind = :kind, current_uid = :current_uid, target_uids = :target_uids, version = :version, created_at = :created_at,
    history = :history
WHERE name = :name
