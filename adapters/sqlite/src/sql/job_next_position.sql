UPDATE job_totals SET last_seq = last_seq + 1 RETURNING last_seq
