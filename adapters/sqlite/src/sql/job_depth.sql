SELECT queued, claimed FROM job_totals
