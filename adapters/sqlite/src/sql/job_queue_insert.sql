INSERT INTO job_queue (job_id, max_attempts, queued_seq) VALUES (?1, ?2, ?3)
