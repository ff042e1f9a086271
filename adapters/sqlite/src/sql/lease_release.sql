UPDATE leader_lease SET holder = NULL WHERE scope = ?1 AND holder = ?2 AND token = ?3
