INSERT OR REPLACE INTO search_ui_scoped_key_observations (index_uid, instance, generation, observed_at)
VALUES (?1, ?2, ?3, ?4)
