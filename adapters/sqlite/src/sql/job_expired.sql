SELECT id, type, params, state, claimed_by, claim_expires_at, claim_token, attempts, progress, max_attempts, last_error
FROM jobs CROSS JOIN job_queue ON job_id = id
WHERE claim_expires_at <= ?1
ORDER BY claim_expires_at, id
