SELECT next_uid FROM task_sequence WHERE only = 1
