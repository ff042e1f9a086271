SELECT miroir_id FROM tasks
WHERE miroir_id BETWEEN ?1 AND ?2
ORDER BY miroir_id {direction}
LIMIT ?3
