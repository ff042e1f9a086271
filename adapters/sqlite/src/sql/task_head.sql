SELECT miroir_id, version, status FROM tasks WHERE miroir_id = ?1
