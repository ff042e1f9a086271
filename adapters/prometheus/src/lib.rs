//! Metrics for Prometheus: counters of events, decorators that count calls, and the page of a scrape.
//!
//! [`Metrics`] counts occurrences as an [`Observer`](miroir_ports::outbound::Observer), and calls in the
//! decorators of nodes and store. [`Scrape`] adds gauges. It reads them anew for each page, so that series of
//! removed nodes and sinks disappear.
//!
//! No label takes its value from a client: routes are templates, the configuration names nodes and sinks, and
//! the rest are words of this code. `docs/metrics.md` lists every metric; a test compares it with the
//! exported metrics.
//!
//! | module | contents |
//! |---|---|
//! | `registry` | the counters of one running Miroir |
//! | `observer` | counters of occurrences |
//! | `node`, `store` | decorators that count calls to nodes and to the store |
//! | `family` | makes and registers families of counters |
//! | `scrape` | the page of a scrape |
//! | `gauge` | the gauges of one page |
//! | `process` | metrics of the process, from the kernel |
//! | `page` | families of gauges for one page |

mod family;
mod gauge;
mod node;
mod observer;
mod page;
mod process;
mod registry;
mod scrape;
mod store;

pub use registry::Metrics;
pub use scrape::Scrape;
