UPDATE rollover_policies
SET write_alias = :write_alias, read_alias = :read_alias, pattern = :pattern, triggers_json = :triggers,
    retention_json = :retention, template_json = :template, enabled = :enabled, version = :version
WHERE name = :name
