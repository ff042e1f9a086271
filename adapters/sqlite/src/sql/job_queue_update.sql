UPDATE job_queue SET last_error = ?2, queued_seq = ?3 WHERE job_id = ?1
