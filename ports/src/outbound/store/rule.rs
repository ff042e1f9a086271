//! Rules that every store applies in the same way, kept in one place so that no two can disagree.

use std::time::Duration;

use miroir_domain::Timestamp;
use miroir_domain::admin_session::AdminSession;
use miroir_domain::alias::Alias;
use miroir_domain::canary::Canary;
use miroir_domain::json::fits;
use miroir_domain::rollover::RolloverPolicy;
use miroir_domain::task::{NewTask, NodeTask, Task, TaskStatus};
use serde_json::{Map, Value};

use super::StoreError;

/// How deep the JSON of a task may nest. A reader of JSON refuses 128 levels, and a row adds a few of its own: what is
/// stored must be readable again.
pub const MAX_JSON_DEPTH: usize = 100;

/// Refuses a new task that could not be read back (**TASK-11**).
pub fn check_new_task(task: &NewTask) -> Result<(), StoreError> {
    check_details(task.details.as_ref(), task.node_tasks.values())
}

/// Refuses a replacement of the status `stored` that no task may make (**TASK-4**), that could not be read back
/// (**TASK-11**), or whose version cannot be raised (**STORE-7**).
pub fn check_task_put(stored: TaskStatus, replacement: &Task) -> Result<(), StoreError> {
    let backwards = rank(replacement.status) < rank(stored);
    let restated = stored.is_finished() && stored != replacement.status;
    if backwards || restated {
        return Err(StoreError::InvalidInput(format!(
            "task {} is {} and cannot become {}: a status only moves forward",
            replacement.uid,
            stored.as_str(),
            replacement.status.as_str()
        )));
    }
    next_version(replacement.version)?;
    check_details(replacement.details.as_ref(), replacement.node_tasks.values())
}

/// The version a row of `version` gets when it is replaced (**STORE-7**).
pub fn next_version(version: u64) -> Result<u64, StoreError> {
    version
        .checked_add(1)
        .ok_or_else(|| StoreError::InvalidInput(format!("version {version} is the last one a row can have")))
}

/// Refuses JSON that could not be read back (**STORE-10**); `what` names it.
pub fn check_json(what: &str, value: &Value) -> Result<(), StoreError> {
    if fits(value, MAX_JSON_DEPTH) {
        return Ok(());
    }
    Err(StoreError::InvalidInput(format!("{what} nests deeper than {MAX_JSON_DEPTH} levels")))
}

/// Refuses an instant of expiry that is not after `now`; `what` names what would expire.
pub fn check_expiry(what: &str, expires_at: Timestamp, now: Timestamp) -> Result<(), StoreError> {
    if now < expires_at {
        return Ok(());
    }
    Err(StoreError::InvalidInput(format!("{what} would have expired at {expires_at}, and it is {now}")))
}

/// Refuses zero where at least one is meant; `what` names it.
pub fn check_positive(what: &str, number: u64) -> Result<(), StoreError> {
    if number > 0 {
        return Ok(());
    }
    Err(StoreError::InvalidInput(format!("{what} must be at least 1")))
}

/// Refuses a span below the store's unit of time; `what` names it.
pub fn check_span(what: &str, span: Duration) -> Result<(), StoreError> {
    if span >= Duration::from_millis(1) {
        return Ok(());
    }
    Err(StoreError::InvalidInput(format!("{what} must be at least a millisecond")))
}

/// Refuses a canary whose JSON could not be read back (**STORE-10**).
pub fn check_canary(canary: &Canary) -> Result<(), StoreError> {
    check_json("the query of a canary", &canary.query)?;
    check_json("the assertions of a canary", &canary.assertions)
}

/// Refuses a policy whose JSON could not be read back (**STORE-10**).
pub fn check_rollover_policy(policy: &RolloverPolicy) -> Result<(), StoreError> {
    check_json("the triggers of a policy", &policy.triggers)?;
    check_json("the retention of a policy", &policy.retention)?;
    check_json("the template of a policy", &policy.template)
}

/// Refuses to change one alias twice at once (**ALIAS-3**).
pub fn check_alias_pair(first: &Alias, second: &Alias) -> Result<(), StoreError> {
    if first.name != second.name {
        return Ok(());
    }
    Err(StoreError::InvalidInput(format!("alias `{}` cannot be swapped with itself", first.name)))
}

/// Refuses a log-in that could not be used (**ADMIN-1**).
pub fn check_new_admin_session(session: &AdminSession, now: Timestamp) -> Result<(), StoreError> {
    if session.revoked {
        return Err(StoreError::InvalidInput("a new admin session cannot be revoked already".to_owned()));
    }
    check_expiry("an admin session", session.expires_at, now)
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
) -> Result<(), StoreError> {
    let all = details.into_iter().chain(node_tasks.filter_map(|node_task| node_task.details.as_ref()));
    for details in all {
        if !details.values().all(|value| fits(value, MAX_JSON_DEPTH - 1)) {
            return Err(StoreError::InvalidInput(format!(
                "the details of a task nest deeper than {MAX_JSON_DEPTH} levels"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_version_refuses_after_the_last() {
        assert_eq!(next_version(0).unwrap(), 1);
        assert!(matches!(next_version(u64::MAX), Err(StoreError::InvalidInput(_))));
    }
}
