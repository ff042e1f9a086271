-- CROSS JOIN keeps the order of the tables: the queue first, then its job.
SELECT id, type, params, state, claimed_by, claim_expires_at, claim_token, attempts, progress, max_attempts, last_error
FROM job_queue CROSS JOIN jobs ON id = job_id
WHERE queued_seq IS NOT NULL
ORDER BY queued_seq
LIMIT 1
