DELETE FROM task_changes WHERE miroir_id = ?1
