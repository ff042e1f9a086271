//! What a failed call says, in the terms of the ports.

use miroir_ports::outbound::{Outcome, StoreError};
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Whether a call changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It only looks: whatever happened to its answer, nothing was changed.
    Read,
    /// It may change something: when its answer is lost, it is not known whether it did.
    Write,
}

/// What a call is about, for its error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) effect: Effect,
    pub(crate) table: &'static str,
    pub(crate) key: &'a str,
}

/// A server that answered, and refused before it did anything.
fn refusal(error: &RedisError) -> Option<&'static str> {
    if let ErrorKind::Server(kind) = error.kind() {
        return match kind {
            ServerErrorKind::BusyLoading => Some("it is still loading its data: try again in a moment"),
            ServerErrorKind::MasterDown | ServerErrorKind::ClusterDown | ServerErrorKind::TryAgain => {
                Some("a part of it is down: see the state of its replication or cluster")
            }
            ServerErrorKind::ReadOnly => {
                Some("it is a replica and takes no writes: point the URL at the master")
            }
            ServerErrorKind::Moved | ServerErrorKind::Ask | ServerErrorKind::CrossSlot => {
                Some("the key is in another slot: Redis Cluster needs a proxy in front, and `cluster: true`")
            }
            ServerErrorKind::NoPerm => Some("the ACL user may not run this command or touch this key"),
            _ => None,
        };
    }
    match error.code() {
        Some("OOM") => Some("it is out of memory: raise `maxmemory` or prune tasks sooner"),
        Some("MISCONF") => Some("it cannot write to its disk: see its log"),
        Some("NOAUTH" | "WRONGPASS") => Some("it wants a user and password: put them into the URL"),
        Some("NOREPLICAS") => Some("too few replicas are connected (`min-replicas-to-write`)"),
        Some("FENCED") => Some("another instance leads now, and this one must stop"),
        Some("BUSY") => Some("it is busy with a script that takes too long"),
        _ => None,
    }
}

/// An error before any command was sent.
pub(crate) fn not_sent(error: &RedisError) -> StoreError {
    let advice = if error.kind() == ErrorKind::AuthenticationFailed {
        ": check the user and password in the URL"
    } else {
        ""
    };
    StoreError::Unavailable {
        outcome: Outcome::NotApplied,
        reason: format!("cannot connect to Redis: {error}{advice}"),
    }
}

/// The error of a subscription that did not begin.
pub(crate) fn of_subscription(error: &RedisError) -> StoreError {
    of_call(error, Subject { effect: Effect::Read, table: "admin_sessions", key: "of revocations" })
}

/// The error of a call that was sent.
pub(crate) fn of_call(error: &RedisError, subject: Subject<'_>) -> StoreError {
    // Redis 6.2 reports what went wrong inside a script as a message that holds the code.
    let printed = error.to_string();
    if error.code() == Some("WRONGTYPE") || printed.contains("WRONGTYPE") {
        return corrupt(subject.table, subject.key, "the key holds another type of value");
    }
    if let Some(advice) = refusal(error) {
        return StoreError::Unavailable {
            outcome: Outcome::NotApplied,
            reason: format!("Redis refused: {printed}; {advice}"),
        };
    }
    if matches!(error.kind(), ErrorKind::UnexpectedReturnType | ErrorKind::Parse) {
        return corrupt(subject.table, subject.key, &printed);
    }
    let outcome = match subject.effect {
        Effect::Read => Outcome::NotApplied,
        Effect::Write => Outcome::Unknown,
    };
    StoreError::Unavailable { outcome, reason: format!("Redis did not answer as it should: {printed}") }
}

pub(crate) fn corrupt(table: &'static str, key: &str, reason: &str) -> StoreError {
    StoreError::Corrupt { table, key: key.to_owned(), reason: reason.to_owned() }
}

/// A handle whose term is over.
pub(crate) fn fenced() -> StoreError {
    StoreError::Unavailable {
        outcome: Outcome::NotApplied,
        reason: "a later term has begun: another instance leads now, and this one must stop".to_owned(),
    }
}

/// A store that was closed.
pub(crate) fn closed() -> StoreError {
    StoreError::Unavailable { outcome: Outcome::NotApplied, reason: "the store is closed".to_owned() }
}
