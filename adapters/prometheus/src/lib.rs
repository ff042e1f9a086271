//! Metrics for Prometheus: counters of what happens, decorators that count calls, and the page a scrape reads.
//!
//! [`Metrics`] counts what happens, as an [`Observer`](miroir_ports::outbound::Observer) and in the decorators of nodes and
//! store. [`Scrape`] adds gauges, which are looked up anew for each page, so that nothing is left of what is gone.
//!
//! No label takes its value from a client: routes are templates, nodes and sinks are named by the configuration, and the
//! rest are words of this code. `docs/metrics.md` lists every metric; a test holds it and what is exported together.
//!
//! | module | contents |
//! |---|---|
//! | `registry` | the counters of one running Miroir |
//! | `observer` | what happens, counted |
//! | `node`, `store` | decorators that count calls to nodes and to the store |
//! | `family` | families of counters, made by name |
//! | `scrape` | the page that a scrape reads |
//! | `gauge` | the gauges of one page |
//! | `process` | the process, as the kernel sees it |
//! | `page` | families of gauges, made for one page |

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
