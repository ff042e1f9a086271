-- ?1 tasks, the first at ?2, one every ?3 ms; every ?4th was canceled. The newest hundred are not finished.
WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?1)
INSERT INTO tasks (miroir_id, created_at, status, node_tasks, error, node_errors, index_uid, task_type, details,
                   started_at, finished_at, canceled_by, custom_metadata, version)
SELECT n, ?2 + n * ?3,
       CASE WHEN n >= ?1 - 50 THEN 'enqueued' WHEN n >= ?1 - 100 THEN 'processing'
            WHEN n % ?4 = 0 THEN 'canceled' WHEN n % 50 = 1 THEN 'failed' ELSE 'succeeded' END,
       '{"node-1":{"uid":' || n || ',"status":"succeeded","shards":[0,1,2,3]},"node-2":{"uid":' || n || ',"status":"succeeded","shards":[4,5,6,7]}}',
       NULL, '{}', 'index-' || (n % 20),
       CASE n % 3 WHEN 0 THEN 'documentAdditionOrUpdate' WHEN 1 THEN 'documentDeletion' ELSE 'settingsUpdate' END,
       '{"receivedDocuments":100,"indexedDocuments":100}',
       CASE WHEN n < ?1 - 50 THEN ?2 + n * ?3 + 10 END,
       CASE WHEN n < ?1 - 100 THEN ?2 + n * ?3 + 50 END,
       CASE WHEN n < ?1 - 100 AND n % ?4 = 0 THEN n + 1 END, NULL, 3
FROM numbers
