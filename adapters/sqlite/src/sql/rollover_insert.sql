INSERT INTO rollover_policies (name, write_alias, read_alias, pattern, triggers_json, retention_json, template_json, enabled, version)
VALUES (:name, :write_alias, :read_alias, :pattern, :triggers, :retention, :template, :enabled, :version)
ON CONFLICT DO NOTHING
