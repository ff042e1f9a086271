SELECT version FROM committed_settings WHERE physical_uid = ?1
