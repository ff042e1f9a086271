SELECT version FROM indexes WHERE uid = ?1
