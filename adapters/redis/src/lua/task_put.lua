return (task_replace())
