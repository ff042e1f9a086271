//! Memory of each keyspace, measured key by key with `MEMORY USAGE`, and listings of the measured stores.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use miroir_domain::admin_session::AdminSession;
use miroir_domain::replica::{Difference, ReplicaMark};
use miroir_domain::session::Session;
use miroir_domain::{GroupId, ShardSet, TaskUid, Timestamp};
use miroir_ports::outbound::{Consequences, NewChange, Reservation, TaskStore};
use miroir_test_redis::RedisServer;
use redis::aio::MultiplexedConnection;
use serde_json::json;

use super::fill::fill;
use super::target::{SECTION, open};
use crate::row::Row;
use crate::shared::task::new_task;
use crate::shared::{list, now};

/// Numbers of tasks whose memory is measured, beside the requested number.
const SIZES: [u32; 2] = [1_000, 100_000];
/// Measured rows of each other table.
const ROWS: u32 = 10_000;
/// Keys that are measured in one call.
const BATCH: usize = 1_000;
/// Size of the body of a measured change event, in bytes.
const EVENT_BYTES: usize = 500;

/// Shards of a measured replica that missed writes.
const STALE_SHARDS: u32 = 16;

/// Bytes and keys by keyspace.
type Weights = BTreeMap<String, (u64, u64)>;

/// Returns the rows of listings, and the page `docs/redis-memory.md`.
pub async fn measure(tasks: u32) -> Result<(Vec<Row>, String)> {
    let few_server = RedisServer::start();
    let few: Arc<dyn TaskStore> = open(&few_server).await?;
    fill(&few, 0, list::FEW).await?;
    let mut page = INTRODUCTION.to_owned();
    for size in SIZES.into_iter().filter(|size| *size < tasks) {
        let server = RedisServer::start();
        let store: Arc<dyn TaskStore> = open(&server).await?;
        fill(&store, 0, size).await?;
        task_table(&mut page, size, &weigh(&server).await?, used(&server)?);
    }
    let server = RedisServer::start();
    let many: Arc<dyn TaskStore> = open(&server).await?;
    fill(&many, 0, tasks).await?;
    eprintln!("Filled a Redis with {tasks} tasks.");
    let listed = list::measure(SECTION, &few, &many, tasks).await?;
    let weights = weigh(&server).await?;
    task_table(&mut page, tasks, &weights, used(&server)?);
    let per_task: u64 = weights.values().map(|(bytes, _)| bytes).sum::<u64>() / u64::from(tasks);
    let _ = write!(
        page,
        "\n**A store of `n` finished tasks takes about `n × {per_task}` bytes** ({} MB for a million), if \
         each has two node tasks and two details, as in these tables. Longer metadata, errors and more nodes add their \
         own length.\n",
        per_task * 1_000_000 / 1_048_576
    );
    other_tables(&mut page).await?;
    Ok((listed, page))
}

const INTRODUCTION: &str = "\
# Memory on Redis

<!-- Written by `make bench`; do not edit. -->

The memory of each keyspace of the task store, measured key by key with `MEMORY USAGE key SAMPLES 0` on the server of the
test machine. The allocator adds about a tenth, which `used_memory` includes. A replica and the rewrite of the append-only
file need memory of their own, so set `maxmemory` to twice the sum.

## Tasks
";

fn task_table(page: &mut String, tasks: u32, weights: &Weights, used: u64) {
    let _ = write!(
        page,
        "\n### {tasks} tasks\n\n| keyspace | keys | bytes | bytes per task |\n|---|---|---|---|\n"
    );
    let mut sum = 0;
    for (keyspace, (bytes, keys)) in weights {
        sum += bytes;
        let _ = writeln!(page, "| `{keyspace}` | {keys} | {bytes} | {} |", bytes / u64::from(tasks));
    }
    let _ = writeln!(page, "| all | | {sum} | {} |", sum / u64::from(tasks));
    let _ =
        writeln!(page, "\n`used_memory` of the server: {used} bytes, {} per task.", used / u64::from(tasks));
}

async fn other_tables(page: &mut String) -> Result<()> {
    let server = RedisServer::start();
    let store: Arc<dyn TaskStore> = open(&server).await?;
    for number in 0..ROWS {
        let session = Session {
            session_id: format!("session-{number:032}"),
            last_write: Some(TaskUid(number)),
            last_write_at: Some(now()),
            pinned_group: Some(GroupId(1)),
            min_settings_version: Some(7),
            expires_at: later(),
        };
        store.session_put(&session, ROWS, now()).await?;
        let reservation = Reservation {
            key: format!("key-{number:032}"),
            body_sha256: [7; 32],
            owner: format!("owner-{number:026}"),
            expires_at: later(),
        };
        store.idempotency_reserve(&reservation, now()).await?;
        store
            .idempotency_complete(&reservation.key, &reservation.owner, TaskUid(number), later(), now())
            .await?;
        let address = format!("2001:db8::{number:x}");
        store.rate_limit_hit(&format!("searchui:{address}"), 9, Duration::from_mins(10), now()).await?;
        store.login_attempt(&address, now()).await?;
        let admin = AdminSession {
            session_id: format!("admin-{number:032}"),
            csrf_token: "t".repeat(43),
            admin_key_hash: [7; 32],
            created_at: now(),
            expires_at: later(),
            revoked: false,
            user_agent: Some(
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(),
            ),
            source_ip: Some(address),
        };
        store.admin_session_create(&admin, now()).await?;
    }
    let mut task = store.task_create(new_task()?, now()).await?;
    for _ in 0..ROWS {
        let body = json!("x".repeat(EVENT_BYTES - 2));
        let change = NewChange { sink_name: "sink".to_owned(), index_uid: "movies".parse()?, body };
        let consequences =
            Consequences { changes: vec![change], budget_bytes: u64::MAX, ..Consequences::default() };
        store.task_put_with(task.clone(), consequences).await?;
        task = store.task_get(task.uid).await?.context("the task is gone")?;
    }
    mark_replicas(&store).await?;
    let weights = weigh(&server).await?;
    let _ = write!(
        page,
        "\n## Other tables\n\n| one row of | bytes | bytes with its part of an index |\n|---|---|---|\n"
    );
    let parts = [
        ("sessions (at most `max_sessions`)", "session:<id>", Some("session:_lru")),
        ("idempotency_cache (a day of keyed writes)", "idemp:<id>", None),
        ("rate limits (an address within its window)", "ratelimit:searchui:<id>", None),
        ("log-in back-off (an address within two days)", "ratelimit:adminlogin:backoff:<id>", None),
        ("admin_sessions", "admin_session:<id>", None),
        ("replicas (missed writes to 16 shards)", "replicas:<id>", Some("replicas:_index")),
        ("the outbox, an event of 500 bytes", "cdc:overflow:<id>", Some("cdc:overflow:_size")),
    ];
    for (what, rows, index) in parts {
        let per_row = |name: &str| -> Result<u64> {
            let (bytes, _) =
                weights.get(name).with_context(|| format!("no key of {name} was measured: {weights:?}"))?;
            Ok(bytes / u64::from(ROWS))
        };
        let row = per_row(rows)?;
        let with_index = row + index.map_or(Ok(0), per_row)?;
        let _ = writeln!(page, "| {what} | {row} | {with_index} |");
    }
    let _ = write!(
        page,
        "\nThe outbox of a sink takes at most its byte budget, and about {} bytes for each event in addition to its body.\n",
        weights["cdc:overflow:<id>"].0 / u64::from(ROWS) - EVENT_BYTES as u64
    );
    Ok(())
}

/// Marks a replica of every index of a number of indexes.
async fn mark_replicas(store: &Arc<dyn TaskStore>) -> Result<()> {
    for number in 0..ROWS {
        let mark = ReplicaMark {
            index: format!("index-{number:05}").parse()?,
            node: "node-0".parse()?,
            difference: Difference::of_shards(ShardSet::all(STALE_SHARDS)),
            task: Some(TaskUid(number)),
            reason: "the node cannot be reached".to_owned(),
            at: now(),
        };
        store.replica_mark(&[mark]).await?;
    }
    Ok(())
}

fn later() -> Timestamp {
    Timestamp::from_millis(now().as_millis() + 3_600_000)
}

/// Measures every key of the server.
async fn weigh(server: &RedisServer) -> Result<Weights> {
    let client = redis::Client::open(server.url())?;
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_mins(5)));
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    let mut weights = Weights::new();
    let mut cursor = 0_u64;
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("COUNT").arg(BATCH);
        let (next, keys): (u64, Vec<String>) = scan.query_async(&mut connection).await?;
        add(&mut weights, &keys, &mut connection).await?;
        if next == 0 {
            return Ok(weights);
        }
        cursor = next;
    }
}

async fn add(weights: &mut Weights, keys: &[String], connection: &mut MultiplexedConnection) -> Result<()> {
    let mut requests = redis::pipe();
    for key in keys {
        requests.cmd("MEMORY").arg("USAGE").arg(key).arg("SAMPLES").arg(0);
    }
    let bytes: Vec<Option<u64>> = requests.query_async(connection).await?;
    for (key, bytes) in keys.iter().zip(bytes) {
        let weight = weights.entry(keyspace(key)).or_default();
        weight.0 += bytes.unwrap_or_default();
        weight.1 += 1;
    }
    Ok(())
}

/// Tables with a key for each row.
const TABLES_OF_ROWS: [&str; 8] = [
    "tasks",
    "session",
    "idemp",
    "ratelimit:searchui",
    "ratelimit:adminlogin:backoff",
    "admin_session",
    "replicas",
    "cdc:overflow",
];

/// Returns the name of a key without the parts that differ between keys of its kind.
fn keyspace(key: &str) -> String {
    let key = key.strip_prefix("miroir:").unwrap_or(key);
    for table in TABLES_OF_ROWS {
        let Some(rest) = key.strip_prefix(table).and_then(|rest| rest.strip_prefix(':')) else { continue };
        return match rest.strip_prefix('_') {
            None => format!("{table}:<id>"),
            Some(own) => format!("{table}:_{}", own.split(':').next().unwrap_or_default()),
        };
    }
    key.to_owned()
}

fn used(server: &RedisServer) -> Result<u64> {
    let info = server.say(&["INFO", "memory"]);
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    Ok(line.context("`INFO memory` has no `used_memory`")?.trim().parse()?)
}
