INSERT INTO task_changes (miroir_id, changes) VALUES (?1, ?2)
