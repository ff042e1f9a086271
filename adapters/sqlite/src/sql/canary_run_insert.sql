-- Inserts nothing if there is no such canary.
INSERT OR REPLACE INTO canary_runs (canary_id, ran_at, status, latency_ms, failed_assertions_json)
SELECT id, :ran_at, :status, :latency_ms, :failed_assertions FROM canaries WHERE id = :canary_id
