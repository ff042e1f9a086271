//! Rules that every store applies to the rows of `tasks`.

use serde_json::{Map, Value};

use super::{NewTask, NodeTask, Task, TaskStatus};
use crate::json::fits;
use crate::row::{InvalidRow, MAX_JSON_DEPTH, next_version};

impl NewTask {
    /// Refuses a task whose details nest too deeply to be read back.
    pub fn check(&self) -> Result<(), InvalidRow> {
        check_details(self.details.as_ref(), self.node_tasks.values())
    }
}

impl Task {
    /// Refuses the task as the replacement of a row with status `stored`: a status only moves forward, a version must
    /// have a successor, and details must be readable again.
    pub fn check_replaces(&self, stored: TaskStatus) -> Result<(), InvalidRow> {
        let backwards = rank(self.status) < rank(stored);
        let restated = stored.is_finished() && stored != self.status;
        if backwards || restated {
            return Err(InvalidRow::new(format!(
                "task {} is {} and cannot become {}: a status only moves forward",
                self.uid,
                stored.as_str(),
                self.status.as_str()
            )));
        }
        next_version(self.version)?;
        check_details(self.details.as_ref(), self.node_tasks.values())
    }
}

fn rank(status: TaskStatus) -> u8 {
    match status {
        TaskStatus::Enqueued => 0,
        TaskStatus::Processing => 1,
        TaskStatus::Succeeded | TaskStatus::Failed | TaskStatus::Canceled => 2,
    }
}

fn check_details<'a>(
    details: Option<&Map<String, Value>>,
    node_tasks: impl Iterator<Item = &'a NodeTask>,
) -> Result<(), InvalidRow> {
    let all = details.into_iter().chain(node_tasks.filter_map(|node_task| node_task.details.as_ref()));
    for details in all {
        // The object of the details is a level of its own.
        if !details.values().all(|value| fits(value, MAX_JSON_DEPTH - 1)) {
            return Err(InvalidRow::new(format!(
                "the details of a task nest deeper than {MAX_JSON_DEPTH} levels"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::TaskKind;
    use super::super::fixture::{node, task, task_of};
    use super::*;

    /// Details of `levels` levels in all.
    fn details(levels: usize) -> Map<String, Value> {
        let value = (1..levels).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
        Map::from_iter([("d".to_owned(), value)])
    }

    #[test]
    fn check_replaces_lets_a_status_move_forward_only() {
        use TaskStatus::{Canceled, Enqueued, Failed, Processing, Succeeded};
        for (stored, allowed) in [
            (Enqueued, &[Enqueued, Processing, Succeeded, Failed, Canceled][..]),
            (Processing, &[Processing, Succeeded, Failed, Canceled]),
            (Succeeded, &[Succeeded]),
            (Failed, &[Failed]),
            (Canceled, &[Canceled]),
        ] {
            for status in TaskStatus::ALL {
                let replacement = Task { status, ..task(&["a"]) };
                let checked = replacement.check_replaces(stored);
                assert_eq!(checked.is_ok(), allowed.contains(&status), "{stored:?} to {status:?}");
            }
        }
        let error = task(&["a"]).check_replaces(Failed).unwrap_err();
        assert_eq!(
            error.to_string(),
            "task 7 is failed and cannot become enqueued: a status only moves forward"
        );
    }

    #[test]
    fn check_replaces_refuses_the_last_version() {
        let last = Task { version: u64::MAX, ..task(&["a"]) };
        assert!(last.check_replaces(TaskStatus::Enqueued).is_err());
    }

    #[test]
    fn check_refuses_details_that_cannot_be_read_back() {
        let of = |levels| task_of(TaskKind::SettingsUpdate, details(levels), &[("a", &[0])]);
        assert_eq!(of(MAX_JSON_DEPTH).check_replaces(TaskStatus::Enqueued), Ok(()));
        assert!(of(MAX_JSON_DEPTH + 1).check_replaces(TaskStatus::Enqueued).is_err());
        let mut on_node = of(1);
        let part = on_node.node_tasks.get_mut(&node("a")).unwrap();
        part.details = Some(details(MAX_JSON_DEPTH + 1));
        assert!(on_node.check_replaces(TaskStatus::Enqueued).is_err());
    }
}
