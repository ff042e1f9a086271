SELECT 1 FROM deleted_indexes WHERE physical_uid = ?1
