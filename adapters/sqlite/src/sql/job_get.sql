SELECT id, type, params, state, claimed_by, claim_expires_at, claim_token, attempts, progress, max_attempts, last_error
FROM jobs JOIN job_queue ON job_id = id
WHERE id = ?1
