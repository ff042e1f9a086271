UPDATE task_sequence SET next_uid = next_uid + 1
WHERE only = 1 AND next_uid <= 4294967295
RETURNING next_uid - 1
