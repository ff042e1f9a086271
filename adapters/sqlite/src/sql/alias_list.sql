SELECT name, current_uid, target_uids, version, created_at, history
FROM aliases
WHERE name >= ?1 AND name IS NOT ?2
ORDER BY name
LIMIT ?3
