//! `miroir store rebuild`: a lost task store, made anew from the nodes.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use miroir_core::restored::{Rebuilt, rebuild};
use miroir_domain::IndexUid;
use miroir_ports::outbound::Clock as _;
use miroir_prometheus::Metrics;
use miroir_system::SystemClock;
use serde_json::json;

use super::output::print;
use super::settings::Settings;
use crate::config::StoreBackend;
use crate::wiring;

#[derive(Debug, Args)]
pub(super) struct RebuildArguments {
    /// Show the indexes on the nodes and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: Settings,
}

/// Rebuilds the store of the configuration.
pub(super) async fn run(arguments: RebuildArguments) -> anyhow::Result<()> {
    let config = arguments.settings.load()?.config;
    if config.store.backend == StoreBackend::Memory {
        bail!("`store.backend` is `memory`: the store exists only inside a running Miroir");
    }
    let metrics = Arc::new(Metrics::new(SystemClock.now())?);
    let infrastructure = wiring::infrastructure(&config, &metrics).context("the configuration is invalid")?;
    let opened = wiring::open_store(&config.store, &metrics).await?;
    let cluster = infrastructure.cluster(Arc::clone(&opened.store), infrastructure.nodes.clone());
    let (checker, topology) = (&infrastructure.checker, &infrastructure.accepted);
    let outcome = rebuild(&cluster, checker, topology, arguments.dry_run).await;
    opened.store.store_close().await.context("closing the store")?;
    let rebuilt = outcome.context("the store was not rebuilt")?;
    if arguments.json {
        let Rebuilt { cluster, epoch, indexes } = rebuilt;
        let json =
            json!({ "cluster": cluster, "epoch": epoch, "indexes": indexes, "rebuilt": !arguments.dry_run });
        return print(&format!("{}\n", serde_json::to_string_pretty(&json)?));
    }
    print(&text(&rebuilt, arguments.dry_run))
}

fn text(rebuilt: &Rebuilt, is_dry: bool) -> String {
    let Rebuilt { cluster, epoch, indexes } = rebuilt;
    let names: Vec<&str> = indexes.iter().map(IndexUid::as_str).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let found = format!("Cluster: {cluster}\nIndexes on the nodes: {names}\n");
    if is_dry {
        return format!("{found}Nothing was changed.\n");
    }
    format!(
        "{found}Rebuilt, in epoch {epoch}. Miroir compares all replicas once it runs. Tasks, aliases, canaries and positions of \
         sinks are not on the nodes: create them anew.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_names_the_indexes_and_the_parts_that_are_lost() {
        let indexes = vec!["books".parse().unwrap(), "films".parse().unwrap()];
        let rebuilt = Rebuilt { cluster: "c-1".parse().unwrap(), epoch: 7, indexes };
        let done = text(&rebuilt, false);
        assert!(done.contains("c-1") && done.contains("books, films") && done.contains("epoch 7"), "{done}");
        assert!(done.contains("aliases"), "{done}");
        assert!(text(&rebuilt, true).ends_with("Nothing was changed.\n"));
        let empty = Rebuilt { indexes: Vec::new(), ..rebuilt };
        assert!(text(&empty, true).contains("Indexes on the nodes: none"));
    }
}
