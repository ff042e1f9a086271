//! The identity of the cluster, compared with the configuration and followed.

use std::sync::Arc;

use anyhow::Context as _;
use miroir_core::identity::{check_topology as changes_of, refresh, refresh_loop};
use miroir_core::infrastructure::Infrastructure;
use miroir_core::registry::last_known_loop;
use miroir_core::replica::ReportedStates;
use miroir_ports::outbound::TaskStore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::wiring::Sharing;

/// Refuses a configuration whose topology differs from the accepted one: documents would be looked for on
/// nodes that do not have them. A Miroir without nodes starts anyway, because it serves no index.
pub(super) async fn check_topology(
    store: &dyn TaskStore,
    infrastructure: &Infrastructure,
) -> anyhow::Result<()> {
    if infrastructure.accepted.nodes.is_empty() {
        return Ok(());
    }
    let changes =
        changes_of(store, &infrastructure.accepted).await.context("reading the accepted topology")?;
    if changes.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = changes.iter().map(ToString::to_string).collect();
    let list = list.join("\n  ");
    anyhow::bail!(
        "the configuration has another topology than the one that was accepted last:\n  {list}\n\
         Correct the configuration, or accept the change with `miroir topology accept`."
    )
}

/// Reads the identity, and follows it if other instances can change it.
pub(super) async fn follow(
    sharing: &Sharing,
    store: Arc<dyn TaskStore>,
    infrastructure: &Infrastructure,
    workers: &mut JoinSet<()>,
    stopped: &CancellationToken,
) -> anyhow::Result<()> {
    let (identity, reported) = (&infrastructure.identity, &infrastructure.reported);
    match sharing {
        // This instance is the leader, which has the replica states by itself.
        Sharing::Alone { .. } => {
            refresh(store.as_ref(), identity, &ReportedStates::default()).await.map(drop)
        }
        Sharing::Shared { .. } => {
            let read = refresh(store.as_ref(), identity, reported).await.map(drop);
            let last_known = Arc::clone(&infrastructure.last_known);
            workers.spawn(last_known_loop(last_known, Arc::clone(&store), stopped.clone()));
            let (checker, reported) = (Arc::clone(&infrastructure.checker), Arc::clone(reported));
            workers.spawn(refresh_loop(store, checker, reported, stopped.clone()));
            read
        }
    }
    .context("reading the identity of the cluster")
}
