SELECT index_uid, primary_uid, previous_uid, rotated_at, generation
FROM search_ui_scoped_keys
WHERE index_uid = ?1
