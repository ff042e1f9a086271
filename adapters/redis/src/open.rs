//! Opening of a store, and checks of its server.

use std::num::ParseIntError;
use std::sync::Arc;

use miroir_ports::outbound::StoreError;
use redis::cmd;
use tokio::sync::watch;

use crate::call::{Request, script};
use crate::error::{Effect, Subject};
use crate::fence::FenceCell;
use crate::keys::Keys;
use crate::link::Link;
use crate::options::RedisOptions;
use crate::store::RedisStore;

/// The newest schema of the keyspace that this binary knows.
pub(crate) const SCHEMA_VERSION: u32 = OWN_UIDS;
/// The schema of a new keyspace.
const FIRST_SCHEMA: u32 = 1;
/// The schema since which indexes may have physical uids of their own. A keyspace gets it with the first such
/// index: until then, programs of the schema before can use it as well.
pub(crate) const OWN_UIDS: u32 = 2;
/// The oldest server, as major and minor version.
const OLDEST: (u32, u32) = (6, 2);

impl RedisStore {
    /// Connects and checks that the server can keep tasks: its version, its eviction policy, and that its
    /// schema is not ahead of this binary. An unfit server is `InvalidInput` or `SchemaAhead`. A server that
    /// does not respond is `Unavailable` and may be tried again.
    pub async fn open(options: RedisOptions) -> Result<Self, StoreError> {
        let store = Self {
            link: Arc::new(Link::new(&options)?),
            keys: Keys::new(&options.prefix, options.cluster),
            clock: options.clock,
            closed: Arc::new(watch::Sender::new(false)),
            fence: FenceCell::default(),
        };
        check(&store, &options).await?;
        Ok(store)
    }

    /// Raises the schema version of the keyspace to `version`, so that programs that do not know it refuse to
    /// start.
    pub(crate) async fn raise_schema(&self, version: u32) -> Result<(), StoreError> {
        let key = self.keys.schema_version();
        let mut script = script!("lua/schema_raise.lua");
        script.key(&key).arg(version);
        let subject = Subject { effect: Effect::Write, table: "schema_version", key: &key };
        self.call(subject, Request::Script(&script)).await
    }
}

/// Refuses a server that would lose or corrupt data.
async fn check(store: &RedisStore, options: &RedisOptions) -> Result<(), StoreError> {
    let server: String = store.read("server", "INFO", cmd("INFO").arg("server")).await?;
    check_version(&server)?;
    let memory: String = store.read("server", "INFO", cmd("INFO").arg("memory")).await?;
    check_eviction(field(&memory, "maxmemory_policy"), options.allow_eviction)?;
    let persistence: String = store.read("server", "INFO", cmd("INFO").arg("persistence")).await?;
    if field(&persistence, "aof_enabled") != Some("1") {
        tracing::warn!(
            "Redis keeps no append-only file: a restart of the server loses every write since its last snapshot. Set \
             `appendonly yes`, and `appendfsync always` where no acknowledged write may be lost"
        );
    }
    check_schema(store).await
}

/// Returns the value of a field of `INFO`.
pub(crate) fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':'))
}

fn check_version(info: &str) -> Result<(), StoreError> {
    // Valkey reports here the version of Redis with which it is compatible.
    let Some(version) = field(info, "redis_version") else { return Ok(()) };
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found >= OLDEST {
        return Ok(());
    }
    Err(StoreError::InvalidInput(format!(
        "Redis {version} is too old: the task store needs {}.{} or newer",
        OLDEST.0, OLDEST.1
    )))
}

fn check_eviction(policy: Option<&str>, allowed: bool) -> Result<(), StoreError> {
    match policy {
        Some("noeviction") | None => Ok(()),
        Some(policy) if allowed => {
            tracing::warn!(
                "Redis may evict keys (`maxmemory-policy {policy}`): tasks can vanish when memory runs out"
            );
            Ok(())
        }
        Some(policy) => Err(StoreError::InvalidInput(format!(
            "Redis has `maxmemory-policy {policy}` and would drop tasks when memory runs out: set it to `noeviction`, or \
             set `store.redis.allow_eviction` if losing them is acceptable"
        ))),
    }
}

/// Writes the schema version if there is none, and refuses one that is ahead.
async fn check_schema(store: &RedisStore) -> Result<(), StoreError> {
    let key = store.keys.schema_version();
    let () = store.set_up("schema_version", &key, cmd("SET").arg(&key).arg(FIRST_SCHEMA).arg("NX")).await?;
    let found: String = store.read("schema_version", &key, cmd("GET").arg(&key)).await?;
    let found: u32 = found.parse().map_err(|error: ParseIntError| {
        let shown: String = found.chars().take(40).collect();
        StoreError::corrupt("schema_version", &key, format!("`{shown}` is not a version")).with_source(error)
    })?;
    if found > SCHEMA_VERSION {
        return Err(StoreError::SchemaAhead { found, supported: SCHEMA_VERSION });
    }
    Ok(())
}
