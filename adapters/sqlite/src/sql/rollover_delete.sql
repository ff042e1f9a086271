DELETE FROM rollover_policies WHERE name = ?1
