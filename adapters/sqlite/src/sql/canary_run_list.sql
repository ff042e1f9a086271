SELECT canary_id, ran_at, status, latency_ms, failed_assertions_json
FROM canary_runs
WHERE canary_id = ?1
ORDER BY ran_at DESC
LIMIT ?2
