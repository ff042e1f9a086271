//! What the steps play on: nodes, Miroir, a client, the films.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;
use tokio::time::Instant;

use super::narration::Narration;
use super::question::{Finding, Question};
use super::tally::Tally;
use crate::cli::client::{Client, Response};
use crate::cli::cluster::{NodeKind, OwnCluster, example_config};
use crate::cli::films::{self, Film};
use crate::config::Config;
use crate::server::{self, RunningServer};

/// How many of the newest films are kept back, to be written while a node is away: enough for every node to be
/// meant to keep some of them.
const KEPT_BACK: usize = 8;

/// How long Miroir may take to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// How often something awaited is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// The demo's world.
pub(super) struct Stage<'narration> {
    pub(super) narration: &'narration mut Narration,
    pub(super) client: Client,
    pub(super) cluster: OwnCluster,
    /// Films that are loaded at first.
    pub(super) films: Vec<Film>,
    /// Films that are written later.
    pub(super) kept_back: Vec<Film>,
    pub(super) tally: Tally,
    config: Config,
    server: RunningServer,
}

impl<'narration> Stage<'narration> {
    /// Starts the nodes and Miroir on free ports, with everything in `folder`.
    pub(super) async fn set(
        kind: &NodeKind,
        folder: &Path,
        narration: &'narration mut Narration,
    ) -> anyhow::Result<Self> {
        let tally = Tally::begin();
        let cluster = OwnCluster::start(kind, 3, folder).await?;
        let mut config = example_config(([127, 0, 0, 1], 0).into(), &cluster, folder)?;
        for node in &config.nodes {
            narration.say(&format!("{} listens on {}", node.id, node.url));
        }
        let server = server::start(config.clone()).await?;
        // Restarts come back to the same port, so that the client and the curl lines stay right.
        config.server.address = server.address;
        let client = Client::new(format!("http://{}", server.address))?;
        let mut films = films::all()?;
        let kept_back = films.split_off(films.len().saturating_sub(KEPT_BACK));
        Ok(Self { narration, client, cluster, films, kept_back, tally, config, server })
    }

    /// Asks a question; the answer must be right.
    pub(super) async fn ask(&mut self, question: &Question) -> anyhow::Result<(Finding, String)> {
        let answer = self.search(&question.body).await?;
        question.judge(&answer.body).with_context(|| format!("the search {}", question.body))
    }

    /// Searches the films, timed.
    pub(super) async fn search(&mut self, body: &Value) -> anyhow::Result<Response> {
        let began = Instant::now();
        let answer = self.client.post(&search_path(), body).await?.expect_status(200)?;
        self.tally.searches.push(began.elapsed());
        Ok(answer)
    }

    /// How many films the nodes hold together, each copy counted: asked of the nodes themselves, past Miroir.
    pub(super) async fn copies(&self) -> anyhow::Result<u64> {
        let mut copies = 0;
        for node in &self.config.nodes {
            copies += films::count(&Client::new(node.url.as_str())?).await?;
        }
        Ok(copies)
    }

    /// Waits until every film has both of its copies.
    pub(super) async fn copies_complete(&self, patience: Duration) -> anyhow::Result<u64> {
        let expected = 2 * self.tally.films as u64;
        let deadline = Instant::now() + patience;
        loop {
            let copies = self.copies().await?;
            if copies == expected {
                return Ok(copies);
            }
            ensure!(
                Instant::now() < deadline,
                "the nodes hold {copies} copies, not {expected}, after {patience:?}"
            );
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Says the command for a search.
    pub(super) fn say_search(&self, body: &Value) {
        self.narration.command(&self.client.curl("POST", &search_path(), Some(body)));
    }

    /// Stops Miroir in order, and starts another on the same store and the same port.
    pub(super) async fn restart_miroir(self) -> anyhow::Result<Self> {
        let began = Instant::now();
        self.server.stop(STOP_PATIENCE).await.context("stopping Miroir")?;
        ensure!(self.client.get("/health").await.is_err(), "Miroir still answers after it was stopped");
        let server = server::start(self.config.clone()).await.context("starting Miroir again")?;
        let mut tally = self.tally;
        tally.restart = began.elapsed();
        Ok(Self { tally, server, ..self })
    }

    /// Ends everything in order and says what was done.
    pub(super) async fn strike(self) -> anyhow::Result<()> {
        self.server.stop(STOP_PATIENCE).await.context("stopping Miroir")?;
        self.cluster.stop().await?;
        self.narration.close(&self.tally.lines());
        Ok(())
    }
}

/// The route of searches.
fn search_path() -> String {
    format!("/indexes/{}/search", films::INDEX)
}
