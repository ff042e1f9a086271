//! `miroir store`: looking after the task store.

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

use super::print;
use super::settings::Settings;
use crate::config::{StoreBackend, StoreConfig};
use crate::wiring;
use miroir_prometheus::Metrics;

#[derive(Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// Copy the store to a new file, also while Miroir runs.
    Backup {
        /// The file to make; it must not be there.
        file: PathBuf,
        #[command(flatten)]
        settings: Settings,
    },
    /// Look for damage, also while Miroir runs. Ends with 1 when there is any.
    Check(Look),
    /// Print what the store holds and how much room it takes, also while Miroir runs.
    Stats(Look),
    /// Bring the store to the schema of this program; Miroir does the same when it starts.
    Migrate(Look),
}

#[derive(Debug, Args)]
pub(super) struct Look {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: Settings,
}

/// What a command found: for people and for programs.
struct Finding {
    text: String,
    json: Value,
}

pub(super) async fn run(command: StoreCommand) -> anyhow::Result<()> {
    match command {
        StoreCommand::Backup { file, settings } => {
            let store = settings.load()?.config.store;
            sqlite_only(
                &store,
                "backed up",
                "Redis is backed up with its own means: a copy of its RDB file after BGSAVE",
            )?;
            blocking(move || Ok(SqliteFile::open(&store.path)?.backup(&file)?)).await
        }
        StoreCommand::Check(look) => check(look).await,
        StoreCommand::Stats(look) => stats(look).await,
        StoreCommand::Migrate(look) => migrate(look).await,
    }
}

async fn check(look: Look) -> anyhow::Result<()> {
    let store = look.settings.load()?.config.store;
    let problems = match store.backend {
        StoreBackend::Redis => {
            // Opening looks at everything that makes a server unfit.
            open_redis(&store).await?.store_ping().await?;
            Vec::new()
        }
        StoreBackend::Sqlite => blocking(move || Ok(SqliteFile::open(&store.path)?.problems()?)).await?,
        StoreBackend::Memory => return nothing_kept(),
    };
    let text = if problems.is_empty() { "The store is whole.".to_owned() } else { problems.join("\n") };
    show(look.json, &Finding { text, json: json!({ "problems": problems }) })?;
    if !problems.is_empty() {
        bail!("the store is damaged: restore it from a backup");
    }
    Ok(())
}

async fn stats(look: Look) -> anyhow::Result<()> {
    let store = look.settings.load()?.config.store;
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
        StoreBackend::Memory => return nothing_kept(),
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
    show(look.json, &Finding { text: text.trim_end().to_owned(), json })
}

async fn migrate(look: Look) -> anyhow::Result<()> {
    let store = look.settings.load()?.config.store;
    sqlite_only(
        &store,
        "migrated",
        "the schema of a store on Redis is looked after by Miroir when it starts",
    )?;
    let path = store.path.clone();
    // A file that is not there is made.
    let from =
        if path.try_exists()? { blocking(move || Ok(SqliteFile::version_of(&path)?)).await? } else { 0 };
    let unseen = Arc::new(Metrics::new(SystemClock.now())?);
    let opened = wiring::open_store(&store, &unseen).await?;
    opened.store.store_close().await.context("closing the store")?;
    let text = match from {
        SCHEMA_VERSION => format!("The store has version {SCHEMA_VERSION} already."),
        _ => format!("The store was brought from version {from} to {SCHEMA_VERSION}."),
    };
    show(look.json, &Finding { text, json: json!({ "from": from, "to": SCHEMA_VERSION }) })
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

/// Refuses what only a store in a file needs.
fn sqlite_only(store: &StoreConfig, done: &str, on_redis: &str) -> anyhow::Result<()> {
    match store.backend {
        StoreBackend::Sqlite => Ok(()),
        StoreBackend::Redis => bail!("a store on Redis is not {done} by Miroir: {on_redis}"),
        StoreBackend::Memory => nothing_kept(),
    }
}

fn nothing_kept() -> anyhow::Result<()> {
    bail!("`store.backend` is `memory`: there is no store outside a running Miroir")
}

/// Does what blocks where that is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("the work was cut short")?
}
