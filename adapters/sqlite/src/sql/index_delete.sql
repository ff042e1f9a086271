DELETE FROM indexes WHERE uid = ?1 AND physical_uid = ?2
