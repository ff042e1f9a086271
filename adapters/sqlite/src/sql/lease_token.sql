SELECT token FROM leader_lease WHERE scope = ?1
