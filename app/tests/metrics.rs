//! The metrics of a whole server, and the page, the dashboard and the alerts that use them.

#[path = "metrics/alerts.rs"]
mod alerts;
#[path = "metrics/dashboard.rs"]
mod dashboard;
#[path = "metrics/exposition.rs"]
mod exposition;
#[path = "metrics/expression.rs"]
mod expression;
#[path = "metrics/page.rs"]
mod page;
#[path = "metrics/promtool.rs"]
mod promtool;
#[path = "metrics/run.rs"]
mod run;
#[path = "metrics/wire.rs"]
mod wire;
