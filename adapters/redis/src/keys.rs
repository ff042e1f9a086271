//! The keys of the store.
//!
//! A key is `prefix:table:rest`. Keys that the store keeps beside the rows of a table begin with `_`
//! (`_index`, `_seq`). A name from outside that begins with `_` gets one more in front, so that it never
//! collides with one of those. With hash tags the part that determines the slot is in braces: tables that one
//! call changes together share a tag.

use std::borrow::Cow;

/// A table: its hash tag, and the part of its keys after that tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Table {
    /// The name of the SQL table, for errors.
    pub(crate) name: &'static str,
    tag: &'static str,
    rest: &'static str,
}

const fn alone(name: &'static str, tag: &'static str) -> Table {
    Table { name, tag, rest: "" }
}

pub(crate) const TASKS: Table = alone("tasks", "tasks");
/// In the slot of the tasks, because events are appended in the unit that ends a task.
pub(crate) const OUTBOX: Table = Table { name: "cdc_outbox", tag: "tasks", rest: "cdc:overflow" };
/// In the slot of the tasks, because marks are stored in the unit that puts a task.
pub(crate) const REPLICAS: Table = Table { name: "replicas", tag: "tasks", rest: "replicas" };
/// In the slot of the tasks, because a change is committed in the unit that ends its task.
pub(crate) const COMMITTED_SETTINGS: Table =
    Table { name: "committed_settings", tag: "tasks", rest: "committed_settings" };
pub(crate) const CLUSTER: Table = alone("cluster", "cluster");
pub(crate) const NODES: Table = alone("nodes", "nodes");
pub(crate) const INDEXES: Table = alone("indexes", "indexes");
/// In the slot of the index registry, because deleting an index deletes its rows here.
pub(crate) const NODE_SETTINGS: Table =
    Table { name: "node_settings_version", tag: "indexes", rest: "node_settings_version" };
pub(crate) const ALIASES: Table = alone("aliases", "aliases");
pub(crate) const SESSIONS: Table = alone("sessions", "session");
pub(crate) const IDEMPOTENCY: Table = alone("idempotency_cache", "idemp");
pub(crate) const JOBS: Table = alone("jobs", "jobs");
pub(crate) const LEASES: Table = alone("leader_lease", "lease");
pub(crate) const CANARIES: Table = alone("canaries", "canary");
/// In the slot of the canaries, because deleting a canary deletes its runs.
pub(crate) const CANARY_RUNS: Table = Table { name: "canary_runs", tag: "canary", rest: "canary_runs" };
pub(crate) const CURSORS: Table = alone("cdc_cursors", "cdc_cursor");
pub(crate) const SINKS: Table = alone("cdc_sinks", "cdc_sink");
pub(crate) const TENANTS: Table = alone("tenant_map", "tenant_map");
pub(crate) const ROLLOVERS: Table = alone("rollover_policies", "rollover");
pub(crate) const SEARCH_UIS: Table = alone("search_ui_config", "search_ui_config");
pub(crate) const SCOPED_KEYS: Table = alone("scoped_keys", "search_ui_scoped_key");
pub(crate) const OBSERVATIONS: Table = alone("scoped_key_observations", "search_ui_scoped_key_observed");
pub(crate) const ADMIN_SESSIONS: Table = alone("admin_sessions", "admin_session");
pub(crate) const WINDOWS: Table = alone("rate_limits", "ratelimit");

/// The key that the readiness check writes.
pub(crate) const PROBE: Table = alone("probe", "_probe");

/// All tables.
pub(crate) const ALL: [Table; 25] = [
    TASKS,
    OUTBOX,
    REPLICAS,
    COMMITTED_SETTINGS,
    CLUSTER,
    NODES,
    INDEXES,
    NODE_SETTINGS,
    ALIASES,
    SESSIONS,
    IDEMPOTENCY,
    JOBS,
    LEASES,
    CANARIES,
    CANARY_RUNS,
    CURSORS,
    SINKS,
    TENANTS,
    ROLLOVERS,
    SEARCH_UIS,
    SCOPED_KEYS,
    OBSERVATIONS,
    ADMIN_SESSIONS,
    WINDOWS,
    PROBE,
];

/// The prefix of the keys that count log-ins. Windows of rate limits must not have it.
const BACKOFF: &str = "adminlogin:backoff:";

/// The maker of keys.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    prefix: String,
    cluster: bool,
}

impl Keys {
    pub(crate) fn new(prefix: &str, cluster: bool) -> Self {
        Self { prefix: prefix.to_owned(), cluster }
    }

    /// Returns the prefix of all keys of `table`, the last colon included. Scripts that compute keys take it
    /// as a key of its own, because it is in the slot of them all.
    pub(crate) fn base(&self, table: Table) -> String {
        let Table { tag, rest, .. } = table;
        match (self.cluster, rest) {
            (true, "") => format!("{}:{{{tag}}}:", self.prefix),
            (true, rest) => format!("{}:{{{tag}}}:{rest}:", self.prefix),
            (false, "") => format!("{}:{tag}:", self.prefix),
            (false, rest) => format!("{}:{rest}:", self.prefix),
        }
    }

    /// Returns the key of the row of `name`.
    pub(crate) fn row(&self, table: Table, name: &str) -> String {
        self.base(table) + &guarded(name)
    }

    /// Returns the key of the row of two names. `second` must not contain a colon, so that the names can be
    /// separated. If it is empty, the result is the prefix of the rows of `first`.
    pub(crate) fn pair(&self, table: Table, first: &str, second: &str) -> String {
        format!("{}{}:{}", self.base(table), guarded(first), guarded(second))
    }

    /// Returns the suffix of the keys of the rows of a second name: see [`Keys::pair`].
    pub(crate) fn pair_end(second: &str) -> String {
        format!(":{}", guarded(second))
    }

    /// Returns a key that the store keeps beside the rows of `table`, such as its `_index`.
    pub(crate) fn own(&self, table: Table, name: &str) -> String {
        debug_assert!(name.starts_with('_'), "{name}");
        self.base(table) + name
    }

    /// Returns the key of the window of a rate limit.
    pub(crate) fn window(&self, key: &str) -> String {
        let underscore = if key.starts_with(BACKOFF) { "_" } else { "" };
        format!("{}{underscore}{}", self.base(WINDOWS), guarded(key))
    }

    /// Returns the key that counts the failed log-ins of an address.
    pub(crate) fn backoff(&self, address: &str) -> String {
        format!("{}{BACKOFF}{address}", self.base(WINDOWS))
    }

    /// Returns the channel on which revocations of admin sessions are published.
    pub(crate) fn revoked_channel(&self) -> String {
        format!("{}:admin_session:revoked", self.prefix)
    }

    /// Returns the key of the schema version.
    pub(crate) fn schema_version(&self) -> String {
        format!("{}:schema_version", self.prefix)
    }
}

/// Returns a name from outside so that it cannot collide with the store's own keys. `lua/name.lua` does the
/// same.
fn guarded(name: &str) -> Cow<'_, str> {
    if name.starts_with('_') { Cow::Owned(format!("_{name}")) } else { Cow::Borrowed(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_outside_never_collide_with_own_keys() {
        let keys = Keys::new("miroir", false);
        assert_eq!(keys.row(ALIASES, "films"), "miroir:aliases:films");
        assert_eq!(keys.own(ALIASES, "_index"), "miroir:aliases:_index");
        assert_eq!(keys.row(ALIASES, "_index"), "miroir:aliases:__index");
        assert_eq!(keys.row(ALIASES, "__index"), "miroir:aliases:___index");
        assert_eq!(keys.backoff("::1"), "miroir:ratelimit:adminlogin:backoff:::1");
        assert_ne!(keys.window("adminlogin:backoff:::1"), keys.backoff("::1"));
        assert_ne!(keys.window("adminlogin:backoff:x"), keys.window("_adminlogin:backoff:x"));
    }

    #[test]
    fn tables_that_change_together_share_a_slot() {
        let keys = Keys::new("m", true);
        assert_eq!(keys.row(TASKS, "7"), "m:{tasks}:7");
        assert_eq!(keys.pair(OUTBOX, "sink", "films"), "m:{tasks}:cdc:overflow:sink:films");
        assert_eq!(keys.row(REPLICAS, "films:n1"), "m:{tasks}:replicas:films:n1");
        assert_eq!(keys.row(COMMITTED_SETTINGS, "films"), "m:{tasks}:committed_settings:films");
        assert_eq!(keys.pair(NODE_SETTINGS, "films", "n1"), "m:{indexes}:node_settings_version:films:n1");
        assert_eq!(keys.row(CANARY_RUNS, "{x}"), "m:{canary}:canary_runs:{x}");
    }
}
