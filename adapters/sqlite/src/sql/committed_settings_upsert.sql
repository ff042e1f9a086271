INSERT INTO committed_settings (physical_uid, settings, hash, secrets, proposals, settings_version, known_version, updated_at, version)
VALUES (:physical_uid, :settings, :hash, :secrets, :proposals, :settings_version, :known_version, :updated_at, :version)
ON CONFLICT DO UPDATE
SET settings = :settings, hash = :hash, secrets = :secrets, proposals = :proposals,
    settings_version = :settings_version, known_version = :known_version, updated_at = :updated_at,
    version = :version
