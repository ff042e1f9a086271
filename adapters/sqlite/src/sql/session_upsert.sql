INSERT INTO sessions (session_id, last_write_mtask_id, last_write_at, pinned_group, min_settings_version, ttl)
VALUES (:session_id, :last_write, :last_write_at, :pinned_group, :min_settings_version, :ttl)
ON CONFLICT DO UPDATE SET last_write_mtask_id = excluded.last_write_mtask_id, last_write_at = excluded.last_write_at,
    pinned_group = excluded.pinned_group, min_settings_version = excluded.min_settings_version, ttl = excluded.ttl
