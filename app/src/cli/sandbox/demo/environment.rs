//! The nodes, Miroir, the client and the films that the steps use.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;
use tokio::time::Instant;

use super::narration::Narration;
use super::query::{Hits, Query};
use super::statistics::Statistics;
use crate::cli::sandbox::client::{Client, Response};
use crate::cli::sandbox::cluster::{NodeKind, OwnCluster, example_config};
use crate::cli::sandbox::films::{self, Film};
use crate::config::Config;
use crate::server::{self, RunningServer};

/// The number of the newest films that are added only while a node is down. Every node is to store some of
/// them.
const LATE_FILMS: usize = 8;

/// The longest wait for Miroir to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// The pause between two polls.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The state that the steps share.
pub(super) struct Environment<'narration> {
    pub(super) narration: &'narration mut Narration,
    pub(super) client: Client,
    pub(super) cluster: OwnCluster,
    /// The films that are loaded first.
    pub(super) films: Vec<Film>,
    /// The films that are added later.
    pub(super) late_films: Vec<Film>,
    /// The hits of the first searches, which must not change while a node is down.
    pub(super) hits: Vec<Hits>,
    /// The uid of a task that must survive the restart of Miroir.
    pub(super) task: Option<u64>,
    pub(super) statistics: Statistics,
    config: Config,
    /// `None` only during a restart.
    server: Option<RunningServer>,
}

impl<'narration> Environment<'narration> {
    /// Starts the nodes and Miroir on free ports, with all data in `folder`.
    pub(super) async fn start(
        kind: &NodeKind,
        folder: &Path,
        narration: &'narration mut Narration,
    ) -> anyhow::Result<Self> {
        let statistics = Statistics::begin();
        let cluster = OwnCluster::start(kind, 3, folder).await?;
        let mut config = example_config(([127, 0, 0, 1], 0).into(), &cluster, folder)?;
        for node in &config.nodes {
            narration.say(&format!("{} listens on {}", node.id, node.url));
        }
        let server = server::start(config.clone()).await?;
        // A restart uses the same port, so that the client and the curl commands stay valid.
        config.server.address = server.address;
        let client = Client::new(format!("http://{}", server.address))?;
        let mut films = films::all()?;
        let late_films = films.split_off(films.len().saturating_sub(LATE_FILMS));
        Ok(Self {
            narration,
            client,
            cluster,
            films,
            late_films,
            hits: Vec::new(),
            task: None,
            statistics,
            config,
            server: Some(server),
        })
    }

    /// Runs a search and checks its response. Returns the hits and a sentence about them.
    pub(super) async fn run(&mut self, query: &Query) -> anyhow::Result<(Hits, String)> {
        let response = self.search(&query.body).await?;
        query.check(&response.body).with_context(|| format!("the search {}", query.body))
    }

    /// Searches the films and measures the latency.
    pub(super) async fn search(&mut self, body: &Value) -> anyhow::Result<Response> {
        let began = Instant::now();
        let response = self.client.post(&search_path(), body).await?.expect_status(200)?;
        self.statistics.searches.push(began.elapsed());
        Ok(response)
    }

    /// Returns the number of copies of films on all nodes, as the nodes themselves report it.
    pub(super) async fn copies(&self) -> anyhow::Result<u64> {
        let mut copies = 0;
        for node in &self.config.nodes {
            copies += films::count(&Client::new(node.url.as_str())?).await?;
        }
        Ok(copies)
    }

    /// Waits until both copies of every film exist. Returns the number of copies.
    pub(super) async fn copies_complete(&self, timeout: Duration) -> anyhow::Result<u64> {
        let expected = 2 * self.statistics.films as u64;
        let deadline = Instant::now() + timeout;
        loop {
            let copies = self.copies().await?;
            if copies == expected {
                return Ok(copies);
            }
            ensure!(
                Instant::now() < deadline,
                "the nodes store {copies} copies, not {expected}, after {timeout:?}"
            );
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Writes the command for a search.
    pub(super) fn print_search(&self, body: &Value) {
        self.narration.command(&self.client.curl("POST", &search_path(), Some(body)));
    }

    /// Stops Miroir and starts it again on the same store and the same port.
    pub(super) async fn restart_miroir(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        self.stop_miroir().await?;
        ensure!(self.client.get("/health").await.is_err(), "Miroir still responds after it was stopped");
        self.server = Some(server::start(self.config.clone()).await.context("starting Miroir again")?);
        self.statistics.restart = began.elapsed();
        Ok(())
    }

    async fn stop_miroir(&mut self) -> anyhow::Result<()> {
        match self.server.take() {
            Some(server) => server.stop(STOP_TIMEOUT).await.context("stopping Miroir"),
            None => Ok(()),
        }
    }

    /// Stops Miroir and the nodes, and writes the summary.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        self.stop_miroir().await?;
        self.cluster.stop().await?;
        self.narration.close(&self.statistics.lines());
        Ok(())
    }
}

/// Returns the path of searches.
fn search_path() -> String {
    format!("/indexes/{}/search", films::INDEX)
}
