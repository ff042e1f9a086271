UPDATE task_sequence SET next_uid = max(next_uid, ?1)
WHERE only = 1
