//! Concurrent connections that read single tasks.

use std::time::Duration;

use anyhow::Result;
use miroir_e2e::Cluster;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::document::document;
use super::http::{Connection, Request};
use super::target::SECTION;
use crate::row::{Goal, Row, Unit};
use crate::samples::rate;

const CONNECTIONS: usize = 64;
const ROUNDS: u32 = 3;
const SPAN: Duration = Duration::from_millis(1_500);
const TASKS: u32 = 50;

pub async fn measure(cluster: &mut Cluster) -> Result<Vec<Row>> {
    let client = cluster.client();
    for number in 0..TASKS {
        client.write("POST", "/indexes/tasks/documents", json!([document(number, 10)])).await?;
    }
    let health = vec![Request::get("/health")];
    let tasks: Vec<Request> = (0..TASKS).map(|uid| Request::get(&format!("/tasks/{uid}"))).collect();
    let (mut of_health, mut of_tasks) = ((0, Duration::ZERO), (0, Duration::ZERO));
    for _ in 0..ROUNDS {
        let (count, span) = saturate(client.base_url(), &health).await?;
        of_health = (of_health.0 + count, of_health.1 + span);
        let (count, span) = saturate(client.base_url(), &tasks).await?;
        of_tasks = (of_tasks.0 + count, of_tasks.1 + span);
    }
    let measured = rate(of_tasks.0, of_tasks.1);
    let row = Row::alone(
        SECTION,
        "GET /tasks/{uid}, 64 connections",
        Unit::PerSecond,
        measured,
        Goal::AtLeastTimes(0.7),
    );
    Ok(vec![row.against("GET /health", rate(of_health.0, of_health.1))])
}

/// Sends `requests` in turn on every connection until the time is up. Returns the number of responses, and
/// the time.
async fn saturate(url: &str, requests: &[Request]) -> Result<(usize, Duration)> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Connection::open(url).await?);
    }
    let begun = Instant::now();
    let mut clients = JoinSet::new();
    for (start, mut connection) in connections.into_iter().enumerate() {
        let requests = requests.to_vec();
        clients.spawn(async move {
            let mut count = 0;
            while begun.elapsed() < SPAN {
                connection.exchange(&requests[(start + count) % requests.len()]).await?;
                count += 1;
            }
            anyhow::Ok(count)
        });
    }
    let mut all = 0;
    while let Some(client) = clients.join_next().await {
        all += client??;
    }
    Ok((all, begun.elapsed()))
}
