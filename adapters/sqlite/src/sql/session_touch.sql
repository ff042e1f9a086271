UPDATE sessions SET ttl = max(ttl, ?2) WHERE session_id = ?1 AND ttl > ?3
