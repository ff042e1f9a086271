-- Deletes the newest run that exceeds the limit, and all before it.
DELETE FROM canary_runs
WHERE canary_id = ?1 AND ran_at <= (
    SELECT ran_at FROM canary_runs WHERE canary_id = ?1 ORDER BY ran_at DESC LIMIT 1 OFFSET ?2
)
