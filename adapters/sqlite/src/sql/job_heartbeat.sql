UPDATE jobs SET claim_expires_at = ?4, progress = coalesce(?5, progress)
WHERE id = ?1 AND state = 'claimed' AND claim_token = ?2 AND claim_expires_at > ?3
