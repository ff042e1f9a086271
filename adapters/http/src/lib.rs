//! The HTTP adapter: Meilisearch's routes and Miroir's own. A handler parses a request, calls one inbound
//! port and builds the response.
//!
//! The adapter depends on [`miroir_ports::inbound`] and on nothing behind it. A request passes through these
//! modules:
//!
//! | step | module |
//! |---|---|
//! | accepting connections, header limits, graceful shutdown | `server` |
//! | limits on connections and on clients that do not read | `connections`, `write_timeout_stream` |
//! | limit on concurrent requests | `request_permit` |
//! | request id, log line, time limit, panics | `exchange`, `request_id`, `log` |
//! | choice of the route, or 404 and 405 | `router` |
//! | keys, and pages of other origins | `auth`, `secret`, `cors` |
//! | forwarding to the instance that holds a role | `forward` |
//! | reading path, query and headers | `request`, `query`, `query_rule`, `if_match` |
//! | reading bodies | `body`, `content`, `json` |
//! | declarations of routes, and their handlers | `routes`, declared by `route`, `description`, `tag` |
//! | responses | `reply`, `event_stream` |
//! | errors, with the status and the link of each | `error`, `error_link`, `suggestion` |
//! | metrics on an address of their own | `metrics_listener` |
//! | responses of an instance that is starting | `unready_listener` |
//! | listeners with few connections | `small_listener` |
//! | the list of routes, and the OpenAPI document | `listing`, `openapi` |
//! | ports and limits | `options` |

mod auth;
mod body;
mod connections;
mod content;
mod cors;
mod description;
mod error;
mod error_link;
mod event_stream;
mod exchange;
mod forward;
mod if_match;
mod json;
mod listing;
mod log;
mod metrics_listener;
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
mod small_listener;
mod suggestion;
mod tag;
mod unready_listener;
mod write_timeout_stream;

pub use body::MIN_BODY_BYTES_PER_SECOND;
pub use listing::{RouteInfo, openapi_text, route_list};
pub use metrics_listener::serve_metrics;
pub use options::{Apis, HttpOptions};
pub use secret::Secret;
pub use server::serve;
pub use unready_listener::serve_unready;
