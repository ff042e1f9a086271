INSERT OR REPLACE INTO nodes (node_id, incarnation, newest_task, updated_at) VALUES (?1, ?2, ?3, ?4)
