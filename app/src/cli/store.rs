//! `miroir store`: maintenance of the task store.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use miroir_ports::outbound::{Clock as _, StoreStatus as _};
use miroir_redis::RedisStore;
use miroir_sqlite::{SCHEMA_VERSION, SqliteFile};
use miroir_system::SystemClock;
use serde_json::{Value, json};

use super::output::print;
use super::rebuild::{self, RebuildArguments};
use super::settings::Settings;
use crate::config::{StoreBackend, StoreConfig};
use crate::wiring;
use miroir_prometheus::Metrics;

#[derive(Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// Copy the store to a new file. Miroir can be running.
    Backup {
        /// The new file. It must not exist.
        file: PathBuf,
        #[command(flatten)]
        settings: Settings,
    },
    /// Check the store for damage. Miroir can be running. Exits with 1 if it is damaged.
    Check(Inspection),
    /// Print the number of rows and the size of the store. Miroir can be running.
    Stats(Inspection),
    /// Migrate the store to the schema of this version. Miroir also does that when it starts.
    Migrate(Inspection),
    /// Make a lost store anew from the nodes: the indexes with their primary keys and settings. All nodes
    /// must respond. A store on SQLite must not be in use.
    Rebuild(RebuildArguments),
}

#[derive(Debug, Args)]
pub(super) struct Inspection {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: Settings,
}

/// The result of a command, as text and as JSON.
struct Finding {
    text: String,
    json: Value,
}

pub(super) async fn run(command: StoreCommand) -> anyhow::Result<()> {
    match command {
        StoreCommand::Backup { file, settings } => {
            let store = settings.load()?.config.store;
            sqlite_only(&store, "backed up", "use the tools of Redis: copy its RDB file after BGSAVE")?;
            blocking(move || Ok(SqliteFile::open(&store.path)?.backup(&file)?)).await
        }
        StoreCommand::Check(inspection) => check(inspection).await,
        StoreCommand::Stats(inspection) => stats(inspection).await,
        StoreCommand::Migrate(inspection) => migrate(inspection).await,
        StoreCommand::Rebuild(arguments) => rebuild::run(arguments).await,
    }
}

async fn check(inspection: Inspection) -> anyhow::Result<()> {
    let store = inspection.settings.load()?.config.store;
    let problems = match store.backend {
        StoreBackend::Redis => {
            // Opening checks the server's version and settings.
            open_redis(&store).await?.store_ping().await?;
            Vec::new()
        }
        StoreBackend::Sqlite => blocking(move || Ok(SqliteFile::open(&store.path)?.problems()?)).await?,
        StoreBackend::Memory => return in_memory(),
    };
    let text = if problems.is_empty() { "The store is intact.".to_owned() } else { problems.join("\n") };
    show(inspection.json, &Finding { text, json: json!({ "problems": problems }) })?;
    if !problems.is_empty() {
        bail!("the store is damaged: restore it from a backup");
    }
    Ok(())
}

async fn stats(inspection: Inspection) -> anyhow::Result<()> {
    let store = inspection.settings.load()?.config.store;
    let (sizes, rows) = match store.backend {
        StoreBackend::Redis => {
            let statistics = open_redis(&store).await?.statistics().await?;
            (vec![("used_memory_bytes", statistics.used_memory_bytes)], statistics.rows)
        }
        StoreBackend::Sqlite => {
            let statistics = blocking(move || Ok(SqliteFile::open(&store.path)?.statistics()?)).await?;
            let sizes = vec![
                ("schema_version", statistics.schema_version.into()),
                ("file_bytes", statistics.file_bytes),
                ("wal_bytes", statistics.wal_bytes),
                ("pages", statistics.pages),
                ("free_pages", statistics.free_pages),
                ("free_bytes", statistics.free_bytes),
                ("unfinished_tasks", statistics.unfinished_tasks),
            ];
            (sizes, statistics.rows)
        }
        StoreBackend::Memory => return in_memory(),
    };
    let mut text = String::new();
    let mut json = json!({ "rows": {} });
    for (name, number) in sizes {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<32}{number:>14}");
        json[name] = number.into();
    }
    for (table, count) in rows {
        let _ = writeln!(text, "{:<32}{count:>14}", format!("rows of {table}"));
        json["rows"][table] = count.into();
    }
    show(inspection.json, &Finding { text: text.trim_end().to_owned(), json })
}

async fn migrate(inspection: Inspection) -> anyhow::Result<()> {
    let store = inspection.settings.load()?.config.store;
    sqlite_only(&store, "migrated", "Miroir migrates a store on Redis when it starts")?;
    let path = store.path.clone();
    // A missing file is created, from version 0.
    let from =
        if path.try_exists()? { blocking(move || Ok(SqliteFile::version_of(&path)?)).await? } else { 0 };
    let metrics = Arc::new(Metrics::new(SystemClock.now())?);
    let opened = wiring::open_store(&store, &metrics).await?;
    opened.store.store_close().await.context("closing the store")?;
    let text = match from {
        SCHEMA_VERSION => format!("The store already has version {SCHEMA_VERSION}."),
        _ => format!("Migrated the store from version {from} to {SCHEMA_VERSION}."),
    };
    show(inspection.json, &Finding { text, json: json!({ "from": from, "to": SCHEMA_VERSION }) })
}

fn show(as_json: bool, finding: &Finding) -> anyhow::Result<()> {
    let text = if as_json { serde_json::to_string_pretty(&finding.json)? } else { finding.text.clone() };
    print(&format!("{text}\n"))
}

async fn open_redis(store: &StoreConfig) -> anyhow::Result<RedisStore> {
    let options = wiring::redis_options(&store.redis)?;
    let url = options.printable_url();
    RedisStore::open(options).await.with_context(|| format!("cannot open the task store {url}"))
}

/// Returns an error if the store is not a SQLite file.
fn sqlite_only(store: &StoreConfig, done: &str, on_redis: &str) -> anyhow::Result<()> {
    match store.backend {
        StoreBackend::Sqlite => Ok(()),
        StoreBackend::Redis => bail!("a store on Redis cannot be {done} by this command: {on_redis}"),
        StoreBackend::Memory => in_memory(),
    }
}

fn in_memory() -> anyhow::Result<()> {
    bail!("`store.backend` is `memory`: the store exists only inside a running Miroir")
}

/// Runs blocking work on a thread for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("the work was aborted")?
}
