SELECT physical_uid, settings, hash, secrets, proposals, settings_version, known_version, updated_at, version
FROM committed_settings
WHERE physical_uid = ?1
