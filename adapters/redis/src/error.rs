//! Conversion of failed calls to errors of the store.

use miroir_ports::outbound::{Outcome, StoreError};
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// The effect of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The call only reads: nothing was changed, even if its response is lost.
    Read,
    /// The call may change something: if its response is lost, the outcome is unknown.
    Write,
}

/// The table and key of a call, for its error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) effect: Effect,
    pub(crate) table: &'static str,
    pub(crate) key: &'a str,
}

/// Returns advice for an error by which the server refused a call before it changed anything.
fn refusal(error: &RedisError) -> Option<&'static str> {
    if let ErrorKind::Server(kind) = error.kind() {
        return match kind {
            ServerErrorKind::BusyLoading => Some("it is still loading its data: try again in a moment"),
            ServerErrorKind::MasterDown | ServerErrorKind::ClusterDown | ServerErrorKind::TryAgain => {
                Some("a part of it is down: see the state of its replication or cluster")
            }
            ServerErrorKind::ReadOnly => {
                Some("it is a replica and does not accept writes: point the URL at the master")
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
        Some("NOAUTH" | "WRONGPASS") => Some("it requires a user and password: put them into the URL"),
        Some("NOREPLICAS") => Some("too few replicas are connected (`min-replicas-to-write`)"),
        Some("BUSY") => Some("it is busy with a script that takes too long"),
        _ => None,
    }
}

/// Returns the error of a call whose command was not sent.
pub(crate) fn not_sent(error: RedisError) -> StoreError {
    let reason = if error.kind() == ErrorKind::AuthenticationFailed {
        "cannot connect to Redis: check the user and password in the URL"
    } else {
        "cannot connect to Redis"
    };
    StoreError::not_applied(reason).with_source(error)
}

/// Returns the error of a subscription that did not begin.
pub(crate) fn of_subscription(error: RedisError) -> StoreError {
    of_call(error, Subject { effect: Effect::Read, table: "admin_sessions", key: "of revocations" })
}

/// Returns the error of a call that was sent.
pub(crate) fn of_call(error: RedisError, subject: Subject<'_>) -> StoreError {
    let corrupt = |reason: &str| StoreError::corrupt(subject.table, subject.key, reason);
    // Redis 6.2 reports the error of a script as a message that contains the code.
    let failed = if error.code() == Some("WRONGTYPE") || error.to_string().contains("WRONGTYPE") {
        corrupt("the key holds another type of value")
    } else if error.code() == Some("FENCED") {
        fenced()
    } else if let Some(advice) = refusal(&error) {
        StoreError::not_applied(format!("Redis refused: {advice}"))
    } else if matches!(error.kind(), ErrorKind::UnexpectedReturnType | ErrorKind::Parse) {
        corrupt("the response cannot be decoded")
    } else {
        let outcome = match subject.effect {
            Effect::Read => Outcome::NotApplied,
            Effect::Write => Outcome::Unknown,
        };
        StoreError::Unavailable { outcome, reason: "the call to Redis failed".to_owned(), source: None }
    };
    failed.with_source(error)
}

/// Returns the error of a handle whose term is over.
pub(crate) fn fenced() -> StoreError {
    StoreError::not_applied(
        "a later term has begun: another instance holds the lease now, and this one must stop",
    )
}

/// Returns the error of a store that was closed.
pub(crate) fn closed() -> StoreError {
    StoreError::not_applied("the store is closed")
}
