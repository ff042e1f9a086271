INSERT OR REPLACE INTO search_ui_scoped_keys (index_uid, primary_uid, previous_uid, rotated_at, generation)
VALUES (?1, ?2, ?3, ?4, ?5)
