SELECT node_id, incarnation, newest_task, updated_at
FROM nodes
ORDER BY node_id
