//! Creating, reading, replacing and pruning of tasks.

use async_trait::async_trait;
use miroir_domain::change::PendingChanges;
use miroir_domain::settings::CommittedSettings;
use miroir_domain::task::{NewTask, Task, TaskQuery};
use miroir_domain::{TaskUid, Timestamp};
use miroir_ports::outbound::{Consequences, Put, StoreError, TaskPage, TaskTable};
use redis::cmd;

use super::replacement::Replacement;
use super::row::{FIELDS, columns, task};
use crate::call::changing;
use crate::committed_settings::push_settings;
use crate::keys::{REPLICAS, TASKS};
use crate::replica::push_marks;
use crate::row::{Values, to_json};
use crate::store::RedisStore;
use crate::table::{CHUNK, fields_of};

#[async_trait]
impl TaskTable for RedisStore {
    async fn task_create(&self, new: NewTask, now: Timestamp) -> Result<Task, StoreError> {
        new.check()?;
        let changes = new.changes.as_ref().map(to_json).transpose()?;
        let row = new.into_task(TaskUid(0), now);
        let mut script = changing!("lua/fields.lua", "lua/task.lua", "lua/task_create.lua");
        script.key(self.keys.own(TASKS, "_seq")).key(self.keys.base(TASKS)).arg(u32::MAX);
        columns(&row, row.version)?.push_to(&mut script);
        if let Some(changes) = changes.filter(|_| !row.status.is_finished()) {
            script.arg(changes);
        }
        let uid: Option<u32> = self.change_by(TASKS, "of a new task", &mut script).await?;
        let uid = uid.ok_or_else(|| StoreError::not_applied("all task uids are used up"))?;
        Ok(Task { uid: TaskUid(uid), ..row })
    }

    async fn task_next_uid(&self) -> Result<u64, StoreError> {
        let key = self.keys.own(TASKS, "_seq");
        let next: Option<u64> = self.read(TASKS.name, &key, cmd("GET").arg(&key)).await?;
        Ok(next.unwrap_or(0))
    }

    async fn task_skip_to(&self, uid: TaskUid) -> Result<(), StoreError> {
        let mut script = changing!("lua/task_skip.lua");
        script.key(self.keys.own(TASKS, "_seq")).arg(uid.0);
        let _: bool = self.change_by(TASKS, "of later tasks", &mut script).await?;
        Ok(())
    }

    async fn task_changes(&self, uid: TaskUid) -> Result<Option<PendingChanges>, StoreError> {
        let key = self.keys.own(TASKS, &format!("_changes:{uid}"));
        let found: Option<Vec<u8>> = self.read(TASKS.name, &key, cmd("GET").arg(&key)).await?;
        let read = |text: Vec<u8>| serde_json::from_slice(&text);
        found.map(read).transpose().map_err(|error| {
            StoreError::corrupt(TASKS.name, &key, "the changes cannot be decoded").with_source(error)
        })
    }

    async fn task_get(&self, uid: TaskUid) -> Result<Option<Task>, StoreError> {
        let key = self.keys.row(TASKS, &uid.to_string());
        let values: Values = self.read(TASKS.name, &key, &fields_of(&key, FIELDS)).await?;
        task(uid, values)
    }

    async fn task_put(&self, task: Task) -> Result<Put, StoreError> {
        let replacement = Replacement::of(&task)?;
        let mut script =
            changing!("lua/fields.lua", "lua/task.lua", "lua/task_replace.lua", "lua/task_put.lua");
        replacement.push_to(&self.keys, &mut script);
        self.replace(&replacement, &mut script).await
    }

    async fn task_put_with(&self, task: Task, consequences: Consequences) -> Result<Put, StoreError> {
        let Consequences { marks, changes, budget_bytes, settings } = consequences;
        settings.as_ref().map_or(Ok(()), CommittedSettings::check)?;
        let replacement = Replacement::of(&task)?;
        let mut script = changing!(
            "lua/name.lua",
            "lua/fields.lua",
            "lua/task.lua",
            "lua/task_replace.lua",
            "lua/replica.lua",
            "lua/replica_marks.lua",
            "lua/outbox.lua",
            "lua/outbox_append.lua",
            "lua/task_put_with.lua"
        );
        replacement.push_to(&self.keys, &mut script);
        script.key(self.keys.base(REPLICAS));
        push_marks(&mut script, &marks);
        push_settings(&self.keys, &mut script, settings.as_ref())?;
        self.push_changes(&mut script, &changes, budget_bytes)?;
        self.replace(&replacement, &mut script).await
    }

    async fn task_list(&self, query: &TaskQuery) -> Result<TaskPage, StoreError> {
        self.list(query).await
    }

    async fn task_list_unfinished(
        &self,
        after: Option<TaskUid>,
        limit: u32,
    ) -> Result<Vec<Task>, StoreError> {
        let from = after.map_or(Some(0), |uid| uid.0.checked_add(1)).map(TaskUid);
        let mut page = TaskPage { tasks: Vec::new(), total: 0, next: from };
        let open = [self.keys.own(TASKS, "_open")];
        while let Some(from) = page.next
            && let missing @ 1.. = limit - u32::try_from(page.tasks.len()).unwrap_or(limit)
        {
            let more = self.page(&open, Some(from), true, missing.min(CHUNK)).await?;
            page.tasks.extend(more.tasks);
            page.next = more.next;
        }
        Ok(page.tasks)
    }

    /// Deletes in steps, so that no call blocks the server for long.
    async fn task_prune(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut pruned = 0;
        while pruned < u64::from(limit) {
            let step = u64::from(CHUNK).min(u64::from(limit) - pruned);
            let mut script = changing!("lua/task.lua", "lua/task_prune.lua");
            script.key(self.keys.base(TASKS));
            script.key(self.keys.own(TASKS, "_finished")).key(self.keys.own(TASKS, "_open"));
            script.arg(before.as_millis()).arg(step);
            let gone: u64 = self.change_by(TASKS, "of old tasks", &mut script).await?;
            pruned += gone;
            if gone < step {
                break;
            }
        }
        Ok(pruned)
    }
}
