SELECT index_uid, instance, generation, observed_at
FROM search_ui_scoped_key_observations
WHERE index_uid = ?1 AND observed_at > ?2
ORDER BY instance
