//! Concurrent callers that create and read single tasks.

use std::sync::Arc;

use anyhow::Result;
use miroir_ports::outbound::TaskStore;
use miroir_test_redis::RedisServer;

use super::reference::benchmark;
use super::target::SECTION;
use crate::row::{Goal, Row, Unit};
use crate::shared::task::{create, get};

/// Rounds of turns, which the store and the reference take alternately.
const ROUNDS: u32 = 3;

pub async fn measure(store: &Arc<dyn TaskStore>, server: &RedisServer) -> Result<Vec<Row>> {
    let (mut set, mut created, mut got, mut read) = (0.0, 0.0, 0.0, 0.0);
    for _ in 0..ROUNDS {
        set += benchmark(server, "set")? / f64::from(ROUNDS);
        created += create(store).await? / f64::from(ROUNDS);
        got += benchmark(server, "get")? / f64::from(ROUNDS);
        read += get(store).await? / f64::from(ROUNDS);
    }
    let row = |figure: &str, measured, goal| Row::alone(SECTION, figure, Unit::PerSecond, measured, goal);
    Ok(vec![
        row("task_create, 64 callers", created, Goal::AtLeastTimes(0.5)).against("redis-benchmark SET", set),
        row("task_get, 64 callers", read, Goal::AtLeastTimes(0.6)).against("redis-benchmark GET", got),
    ])
}
