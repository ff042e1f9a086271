//! Table 1, `tasks`.

use std::ops::Bound;

use async_trait::async_trait;
use miroir_domain::change::PendingChanges;
use miroir_domain::row::next_version;
use miroir_domain::settings::CommittedSettings;
use miroir_domain::task::{NewTask, Task, TaskQuery};
use miroir_domain::{TaskUid, Timestamp};
use miroir_ports::outbound::{Consequences, Put, StoreError, TaskPage, TaskTable};

use crate::change_outbox::check;
use crate::data::Data;
use crate::store::MemoryStore;
use crate::versioned::put;

impl Data {
    fn has_version(&self, task: &Task) -> bool {
        self.tasks.get(&task.uid).is_some_and(|stored| stored.version == task.version)
    }

    /// Replaces a task if its version matches.
    fn task_put(&mut self, task: Task) -> Result<Put, StoreError> {
        match self.tasks.get_mut(&task.uid) {
            Some(stored) if stored.version == task.version => {
                task.check_replaces(stored.status)?;
                let version = next_version(task.version)?;
                if task.status.is_finished() {
                    self.task_changes.remove(&task.uid);
                }
                *stored = Task { version, ..task };
                Ok(Put::Stored)
            }
            _ => Ok(Put::Conflict),
        }
    }
}

#[async_trait]
impl TaskTable for MemoryStore {
    async fn task_create(&self, task: NewTask, now: Timestamp) -> Result<Task, StoreError> {
        task.check()?;
        let mut data = self.data()?;
        let uid = u32::try_from(data.next_uid)
            .map(TaskUid)
            .map_err(|_| StoreError::not_applied("all task uids are used up"))?;
        let changes = task.changes.clone();
        let row = task.into_task(uid, now);
        data.next_uid += 1;
        if let Some(changes) = changes.filter(|_| !row.status.is_finished()) {
            data.task_changes.insert(uid, changes);
        }
        data.tasks.insert(uid, row.clone());
        Ok(row)
    }

    async fn task_next_uid(&self) -> Result<u64, StoreError> {
        Ok(self.data()?.next_uid)
    }

    async fn task_skip_to(&self, uid: TaskUid) -> Result<(), StoreError> {
        let mut data = self.data()?;
        data.next_uid = data.next_uid.max(u64::from(uid.0));
        Ok(())
    }

    async fn task_changes(&self, uid: TaskUid) -> Result<Option<PendingChanges>, StoreError> {
        Ok(self.data()?.task_changes.get(&uid).cloned())
    }

    async fn task_get(&self, uid: TaskUid) -> Result<Option<Task>, StoreError> {
        Ok(self.data()?.tasks.get(&uid).cloned())
    }

    async fn task_put(&self, task: Task) -> Result<Put, StoreError> {
        self.data()?.task_put(task)
    }

    async fn task_put_with(&self, task: Task, consequences: Consequences) -> Result<Put, StoreError> {
        check(&consequences.changes)?;
        let mut data = self.data()?;
        let settings = consequences.settings.as_ref();
        settings.map_or(Ok(()), CommittedSettings::check)?;
        // Compared before the task is stored, because nothing is rolled back.
        if let Some(settings) = settings {
            let stored = data.committed_settings.get(&settings.index);
            let is_current = stored.is_some_and(|stored| stored.version == settings.version);
            if !is_current || !data.has_version(&task) {
                return Ok(Put::Conflict);
            }
            next_version(settings.version)?;
        }
        if data.task_put(task)? == Put::Conflict {
            return Ok(Put::Conflict);
        }
        if let Some(settings) = consequences.settings {
            put(&mut data.committed_settings, &settings.index.clone(), settings)?;
        }
        data.replica_mark(&consequences.marks);
        data.append(consequences.changes, consequences.budget_bytes);
        Ok(Put::Stored)
    }

    async fn task_list(&self, query: &TaskQuery) -> Result<TaskPage, StoreError> {
        let data = self.data()?;
        let mut matching: Vec<&Task> = data.tasks.values().filter(|task| query.matches(task)).collect();
        let total = matching.len() as u64;
        if !query.reverse {
            matching.reverse();
        }
        let mut rest = matching.into_iter().skip_while(|task| match query.from {
            Some(from) if query.reverse => task.uid < from,
            Some(from) => task.uid > from,
            None => false,
        });
        let tasks = rest.by_ref().take(query.limit as usize).cloned().collect();
        Ok(TaskPage { tasks, total, next: rest.next().map(|task| task.uid) })
    }

    async fn task_list_unfinished(
        &self,
        after: Option<TaskUid>,
        limit: u32,
    ) -> Result<Vec<Task>, StoreError> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let data = self.data()?;
        let later = data.tasks.range((start, Bound::Unbounded)).map(|(_, task)| task);
        Ok(later.filter(|task| !task.status.is_finished()).take(limit as usize).cloned().collect())
    }

    async fn task_prune(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut data = self.data()?;
        let mut old: Vec<(Timestamp, TaskUid)> = data
            .tasks
            .values()
            .filter(|task| task.status.is_finished())
            .filter_map(|task| task.finished_at.map(|at| (at, task.uid)))
            .filter(|(at, _)| *at < before)
            .collect();
        old.sort_unstable();
        old.truncate(limit as usize);
        for (_, uid) in &old {
            data.tasks.remove(uid);
        }
        Ok(old.len() as u64)
    }
}
