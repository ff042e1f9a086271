//! `miroir demo`: what Miroir does, shown in a minute, each step checked.

mod flip;
mod narration;
mod question;
mod stage;
mod steps;
mod tally;

use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;

use self::narration::Narration;
use self::stage::Stage;
use super::cluster::NodeKind;
use super::signal::StopSignals;
use crate::config::LogConfig;
use crate::telemetry;

/// The longest the whole demo may take: a minute is usual with real servers on a slow machine.
const PATIENCE: Duration = Duration::from_mins(5);

/// Arguments of `miroir demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Use simulated nodes even where there is a Meilisearch to run.
    #[arg(long)]
    simulated: bool,
}

pub(super) async fn run(arguments: DemoArguments) -> anyhow::Result<()> {
    let kind = NodeKind::choose(arguments.simulated)?;
    // The demo takes nodes away on purpose; warnings about it would only hide what it says.
    telemetry::init(&LogConfig { level: "error".to_owned(), ..LogConfig::default() })?;
    let mut signals = StopSignals::watch()?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut narration = Narration::to_standard_output();
    // Whichever way this ends, dropping the stage ends the nodes, and dropping the folder removes their data.
    let outcome = tokio::select! {
        outcome = tokio::time::timeout(PATIENCE, play(&kind, folder.path(), &mut narration)) => outcome,
        signal = signals.next() => bail!("the demo was stopped by {signal}"),
    };
    let failure = match outcome {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error,
        Err(_) => anyhow::anyhow!("it was not over after {} s", PATIENCE.as_secs()),
    };
    Err(failure.context(format!("THE DEMO FAILED at {}", narration.place())))
}

async fn play(kind: &NodeKind, folder: &std::path::Path, narration: &mut Narration) -> anyhow::Result<()> {
    narration.open(&kind.describe());
    narration.step("Start three nodes and Miroir in front of them");
    let stage = Stage::set(kind, folder, narration).await?;
    steps::all(stage).await?.strike().await
}
