SELECT miroir_id FROM tasks INDEXED BY tasks_by_status_type
WHERE status = ?4 AND task_type = ?5 AND miroir_id BETWEEN ?1 AND ?2
ORDER BY miroir_id {direction}
LIMIT ?3
