//! `miroir topology`: nodes, shards, instances and readiness of a running Miroir, and the change of the
//! topology that the store has accepted.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use miroir_client::topology;
use miroir_core::identity::{Acceptance, accept, preview};
use miroir_domain::identity::TopologyChange;
use miroir_ports::outbound::Clock as _;
use miroir_prometheus::Metrics;
use miroir_system::SystemClock;
use serde_json::json;

use super::output::print;
use super::settings::Settings;
use crate::config::StoreBackend;
use crate::wiring;

/// The commands of `miroir topology`.
#[derive(Debug, Subcommand)]
pub(super) enum TopologyCommand {
    #[command(flatten)]
    Running(topology::TopologyCommand),
    /// Accept the nodes, groups and replication factor of the configuration in place of those of the last
    /// start. A store on SQLite must not be in use. Instances on Redis serve reads meanwhile, and have to be
    /// started again with the new configuration.
    Accept(AcceptArguments),
}

#[derive(Debug, Args)]
pub(super) struct AcceptArguments {
    /// Show the changes, or the reason for which they are refused, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Accept also a change that leaves acknowledged writes behind on nodes that are lost.
    #[arg(long)]
    allow_loss: bool,
    #[command(flatten)]
    settings: Settings,
}

/// Accepts the topology of the configuration.
pub(super) async fn run_accept(arguments: AcceptArguments, as_json: bool) -> anyhow::Result<()> {
    let config = arguments.settings.load()?.config;
    if config.store.backend == StoreBackend::Memory {
        bail!("`store.backend` is `memory`: the store exists only inside a running Miroir");
    }
    config.topology().context("the configured cluster is invalid")?;
    let topology = wiring::accepted_topology(&config);
    let metrics = Arc::new(Metrics::new(SystemClock.now())?);
    let opened = wiring::open_store(&config.store, &metrics).await?;
    let store = opened.store.as_ref();
    let Acceptance { changes, replicas } = if arguments.dry_run {
        preview(store, &topology, arguments.allow_loss, &SystemClock).await?
    } else {
        accept(store, &topology, arguments.allow_loss, &SystemClock).await?
    };
    opened.store.store_close().await.context("closing the store")?;
    if as_json {
        let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
        let json = json!({ "changes": changes, "replicas": replicas, "accepted": !arguments.dry_run });
        return print(&format!("{}\n", serde_json::to_string_pretty(&json)?));
    }
    print(&text(&changes, replicas, arguments.dry_run))
}

fn text(changes: &[TopologyChange], replicas: usize, is_dry: bool) -> String {
    if changes.is_empty() {
        return "The configuration has the accepted topology.\n".to_owned();
    }
    let mut text = String::new();
    for change in changes {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{change}");
    }
    let outcome = if is_dry { "Nothing was changed." } else { "Accepted." };
    let _ = match (replicas, is_dry) {
        (0, _) => writeln!(text, "{outcome} No documents have to be copied."),
        (count, true) => writeln!(text, "{outcome} {count} replicas would change."),
        (count, false) => {
            writeln!(text, "{outcome} {count} replicas change, and are filled once Miroir runs with it.")
        }
    };
    text
}
