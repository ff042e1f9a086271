DELETE FROM indexes WHERE uid = ?1
