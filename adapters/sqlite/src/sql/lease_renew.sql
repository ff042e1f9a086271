UPDATE leader_lease SET expires_at = ?4 WHERE scope = ?1 AND holder = ?2 AND token = ?3 AND expires_at > ?5
