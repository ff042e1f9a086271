//! What the demo did, counted for its summary.

use std::time::Duration;

use tokio::time::Instant;

/// Counts and times.
pub(super) struct Tally {
    began: Instant,
    /// Films in the cluster.
    pub(super) films: usize,
    /// How long loading them took.
    pub(super) loading: Duration,
    /// Every search's time, as the client saw it.
    pub(super) searches: Vec<Duration>,
    /// Tasks in the store at the end.
    pub(super) tasks: usize,
    /// Node tasks behind them, where the demo looked.
    pub(super) node_tasks: usize,
    /// How long Miroir was away when it was restarted.
    pub(super) restart: Duration,
}

impl Tally {
    /// Begins to count.
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

    /// The summary, line by line.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut sorted = self.searches.clone();
        sorted.sort();
        let median = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
        let slowest = sorted.last().copied().unwrap_or_default();
        vec![
            format!("{} films on three nodes, loaded in {}", self.films, in_ms(self.loading)),
            format!(
                "{} searches, median {}, slowest {}, every answer as expected",
                self.searches.len(),
                in_ms(median),
                in_ms(slowest)
            ),
            format!("{} tasks in the store, {} node tasks behind them", self.tasks, self.node_tasks),
            format!("Miroir restarted in {}", in_ms(self.restart)),
            format!("{} ms in all", self.began.elapsed().as_millis()),
        ]
    }
}

fn in_ms(span: Duration) -> String {
    format!("{:.1} ms", span.as_secs_f64() * 1_000.0)
}
