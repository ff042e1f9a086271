//! The page of a scrape.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use miroir_ports::inbound::{Exposition, GaugeApi, MetricsApi};
use prometheus::{Result, TEXT_FORMAT, TextEncoder};
use tokio::sync::Mutex;

use crate::page::Page;
use crate::registry::Metrics;
use crate::{gauge, process};

/// Counters and gauges, as one page.
pub struct Scrape {
    metrics: Arc<Metrics>,
    gauges: Arc<dyn GaugeApi>,
    /// Number of scrapes requested so far.
    requested: AtomicU64,
    /// The last page, with the value of `requested` when it was begun. Locked while a page is made.
    last: Mutex<Option<(u64, String)>>,
}

impl Scrape {
    /// Creates the source of pages with the counters of `metrics` and with `gauges`.
    pub fn new(metrics: Arc<Metrics>, gauges: Arc<dyn GaugeApi>) -> Self {
        Self { metrics, gauges, requested: AtomicU64::new(0), last: Mutex::default() }
    }

    /// Returns every metric in the text format of Prometheus.
    async fn text(&self) -> String {
        let page = Page::new();
        report(process::describe(&page, self.metrics.started_at));
        report(gauge::describe(&page, &self.gauges.gauges().await));
        let mut families = self.metrics.registry.gather();
        families.extend(page.families());
        families.sort_by(|one, other| one.name().cmp(other.name()));
        let mut text = String::new();
        report(TextEncoder::new().encode_utf8(&families, &mut text));
        text
    }
}

#[async_trait]
impl MetricsApi for Scrape {
    /// Returns the page. A caller that waited for a page which was begun after its call gets that page, so
    /// that concurrent callers never read gauges more than once at a time.
    async fn exposition(&self) -> Exposition {
        let turn = self.requested.fetch_add(1, Ordering::SeqCst);
        let mut last = self.last.lock().await;
        let text = match &*last {
            Some((begun, text)) if *begun > turn => text.clone(),
            _ => {
                let begun = self.requested.load(Ordering::SeqCst);
                let text = self.text().await;
                *last = Some((begun, text.clone()));
                text
            }
        };
        Exposition { content_type: TEXT_FORMAT, text }
    }
}

/// Logs an error of a metric, which is a defect of this crate. The other metrics are exported all the same.
fn report(result: Result<()>) {
    if let Err(error) = result {
        tracing::error!("some metrics cannot be exported: {error}");
    }
}
