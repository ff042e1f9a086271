SELECT version, status FROM tasks WHERE miroir_id = ?1
