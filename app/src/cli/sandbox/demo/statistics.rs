//! Counts and times of the demo, for its summary.

use std::time::Duration;

use tokio::time::Instant;

/// Counts and times.
pub(super) struct Statistics {
    began: Instant,
    /// The number of films in the cluster.
    pub(super) films: usize,
    /// The time to load the films.
    pub(super) loading: Duration,
    /// The latency of each search, measured by the client.
    pub(super) searches: Vec<Duration>,
    /// The number of tasks in the store at the end.
    pub(super) tasks: usize,
    /// The number of node tasks of these tasks.
    pub(super) node_tasks: usize,
    /// The downtime of Miroir during its restart.
    pub(super) restart: Duration,
}

impl Statistics {
    /// Begins the measurement.
    pub(super) fn begin() -> Self {
        Self {
            began: Instant::now(),
            films: 0,
            loading: Duration::ZERO,
            searches: Vec::new(),
            tasks: 0,
            node_tasks: 0,
            restart: Duration::ZERO,
        }
    }

    /// Returns the lines of the summary.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut sorted = self.searches.clone();
        sorted.sort();
        let median = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
        let slowest = sorted.last().copied().unwrap_or_default();
        vec![
            format!("{} films on three nodes, loaded in {}", self.films, in_ms(self.loading)),
            format!(
                "{} searches, median {}, slowest {}, all results as expected",
                self.searches.len(),
                in_ms(median),
                in_ms(slowest)
            ),
            format!("{} tasks in the store, with {} node tasks", self.tasks, self.node_tasks),
            format!("Miroir restarted in {}", in_ms(self.restart)),
            format!("{} ms in total", self.began.elapsed().as_millis()),
        ]
    }
}

fn in_ms(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1_000.0)
}
