//! The HTTP face of Miroir: Meilisearch's routes and Miroir's own, each parsed, handed to an inbound port, answered.
//!
//! The adapter knows [`miroir_ports::inbound`] and nothing behind it. A request passes through:
//!
//! | step | module |
//! |---|---|
//! | accept, header limits, graceful stop | `server` |
//! | how many connections, which one makes room, who does not read | `connections`, `write_timeout_stream` |
//! | how many requests at once | `request_permit` |
//! | request id, span, log line, limits, panics | `exchange` |
//! | who counts requests | `observer` |
//! | which route, or which 404 and 405 | `router` |
//! | who may | `auth`, `cors` |
//! | which instance answers, and its answer | `forward` |
//! | what is asked | `query`, `json`, `body`, `content` |
//! | parse → port → reply | `routes` |
//! | an answer that goes on | `event_stream` |
//! | metrics on an address of their own | `metrics_listener` |
//! | what is said of all of it, as OpenAPI | `openapi` |
//! | what an error becomes | `error`, the only place where a status is decided |

mod auth;
mod body;
mod connections;
mod content;
mod cors;
mod description;
mod error;
mod event_stream;
mod exchange;
mod forward;
mod if_match;
mod json;
mod listing;
mod log;
mod metrics_listener;
mod observer;
mod openapi;
mod options;
mod query;
mod query_rule;
mod reply;
mod request;
mod request_id;
mod request_permit;
mod route;
mod router;
mod routes;
mod secret;
mod server;
mod suggestion;
mod tag;
mod write_timeout_stream;

pub use body::MIN_BODY_BYTES_PER_SECOND;
pub use listing::{RouteInfo, openapi_text, route_list};
pub use metrics_listener::serve_metrics;
pub use observer::{NobodyObserves, ObservedRequest, RequestObserver};
pub use options::{Apis, HttpOptions};
pub use secret::Secret;
pub use server::serve;
