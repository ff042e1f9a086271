//! `miroir demo`: a demonstration in steps, each of which checks its results.
//!
//! | module | contents |
//! |---|---|
//! | `step` | the steps, in order |
//! | `flip` | the step that flips an alias |
//! | `environment` | the nodes, Miroir, the client and the films that the steps use |
//! | `query` | the searches, with their expected results |
//! | `narration` | the output |
//! | `statistics` | counts and times for the summary |

mod environment;
mod flip;
mod narration;
mod query;
mod statistics;
mod step;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;

use self::environment::Environment;
use self::narration::Narration;
use self::step::STEPS;
use super::cluster::NodeKind;
use crate::cli::signal::StopSignals;
use crate::config::LogConfig;
use crate::telemetry;

/// The longest time of the whole demo. A minute is usual with real servers on a slow machine.
const TIMEOUT: Duration = Duration::from_mins(5);

/// The title of the first step, which starts the environment of the others.
const START: &str = "Start three nodes and Miroir in front of them";

/// Arguments of `miroir demo`.
#[derive(Debug, Args)]
pub(in crate::cli) struct DemoArguments {
    /// Use simulated nodes even if a Meilisearch program is found.
    #[arg(long)]
    simulated: bool,
}

pub(in crate::cli) async fn run(arguments: DemoArguments) -> anyhow::Result<()> {
    let kind = NodeKind::choose(arguments.simulated)?;
    // The demo kills nodes on purpose; warnings about that would only clutter its output.
    telemetry::init(&LogConfig { level: "error".to_owned(), ..LogConfig::default() })?;
    let mut signals = StopSignals::watch()?;
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let titles = std::iter::once(START).chain(STEPS.iter().map(|step| step.title));
    let mut narration = Narration::new(titles.collect());
    // In every case, dropping the environment stops the nodes, and dropping the folder removes their data.
    let outcome = tokio::select! {
        outcome = tokio::time::timeout(TIMEOUT, play(&kind, folder.path(), &mut narration)) => outcome,
        signal = signals.next() => bail!("the demo was stopped by {signal}"),
    };
    let failure = match outcome {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error,
        Err(_) => anyhow::anyhow!("it took longer than {} s", TIMEOUT.as_secs()),
    };
    Err(failure.context(format!("THE DEMO FAILED at {}", narration.current_step())))
}

async fn play(kind: &NodeKind, folder: &Path, narration: &mut Narration) -> anyhow::Result<()> {
    narration.open(&kind.describe());
    narration.begin_step();
    let mut environment = Environment::start(kind, folder, narration).await?;
    step::explain_cluster(&mut environment).await?;
    for step in STEPS {
        environment.narration.begin_step();
        (step.run)(&mut environment).await?;
    }
    environment.stop().await
}
