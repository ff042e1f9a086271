SELECT index_uid, node_id, version, updated_at FROM node_settings_version WHERE index_uid = ?1 ORDER BY node_id
