SELECT name, write_alias, read_alias, pattern, triggers_json, retention_json, template_json, enabled, version
FROM rollover_policies
WHERE name >= ?1 AND name IS NOT ?2
ORDER BY name
LIMIT ?3
