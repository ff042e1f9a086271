//! What a whole server exports, and whether page, dashboard and alerts speak of nothing else.

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
