//! `miroir serve`: runs until a signal, then stops in order.

use anyhow::{Context, bail};

use super::settings::Settings;
use super::signal::StopSignals;
use crate::server::{self, RunningServer};
use crate::telemetry;

pub(super) async fn run(settings: Settings) -> anyhow::Result<()> {
    let loaded = settings.load()?;
    telemetry::init(&loaded.config.log)?;
    let file = loaded.file.as_ref().map_or_else(|| "none".to_owned(), |file| file.display().to_string());
    tracing::info!(file, "configuration loaded");
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    // Begins before anything is opened, so that a signal during start-up is handled too.
    let mut signals = StopSignals::watch()?;
    let grace = loaded.config.server.shutdown_grace();
    let mut running = tokio::select! {
        started = server::start(loaded.config) => started.context("cannot start")?,
        signal = signals.next() => bail!("stopped by {signal} during start-up"),
    };
    let signal = tokio::select! {
        signal = signals.next() => signal,
        ended = running.wait() => {
            ended?;
            bail!("the server stopped unexpectedly");
        }
    };
    stop(running, grace, signal, &mut signals).await
}

/// Stops within `grace`, or at once on a second signal.
async fn stop(
    running: RunningServer,
    grace: std::time::Duration,
    signal: &str,
    signals: &mut StopSignals,
) -> anyhow::Result<()> {
    tracing::info!(
        signal,
        grace_ms = grace.as_millis(),
        "stopping once requests in flight are finished; a second signal stops at once"
    );
    tokio::select! {
        stopped = running.stop(grace) => stopped.context("did not stop cleanly")?,
        second = signals.next() => bail!("stopped at once by a second signal ({second})"),
    }
    tracing::info!("stopped");
    Ok(())
}
