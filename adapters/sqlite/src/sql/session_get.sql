SELECT session_id, last_write_mtask_id, last_write_at, pinned_group, min_settings_version, ttl
FROM sessions
WHERE session_id = ?1 AND ttl > ?2
