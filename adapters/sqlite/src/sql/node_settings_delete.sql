DELETE FROM node_settings_version WHERE index_uid = ?1
