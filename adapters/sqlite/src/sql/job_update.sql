UPDATE jobs
SET state = :state, claimed_by = :claimed_by, claim_expires_at = :claim_expires_at, claim_token = :claim_token,
    attempts = :attempts
WHERE id = :id
