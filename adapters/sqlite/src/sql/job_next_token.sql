UPDATE job_totals SET last_token = last_token + 1 RETURNING last_token
