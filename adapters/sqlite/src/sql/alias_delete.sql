DELETE FROM aliases WHERE name = ?1
