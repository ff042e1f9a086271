DELETE FROM tasks WHERE miroir_id IN (
    SELECT miroir_id FROM tasks INDEXED BY tasks_by_finished_at
    WHERE finished_at < ?1 AND status IN ('succeeded', 'failed', 'canceled')
    ORDER BY finished_at, miroir_id
    LIMIT ?2
)
