//! References: the server without Miroir in front.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use miroir_test_redis::RedisServer;
use tokio::time::Instant;

use crate::samples::rate;
use crate::shared::CALLERS;

/// Number of commands that `redis-benchmark` sends.
const COMMANDS: &str = "200000";
const SPAN: Duration = Duration::from_secs(1);

/// Returns the rate of `command` in `redis-benchmark`, without pipelining, with one client for each caller of
/// a store.
pub fn benchmark(server: &RedisServer, command: &str) -> Result<f64> {
    let port = server.address().port().to_string();
    let clients = CALLERS.to_string();
    let output = Command::new("redis-benchmark")
        .args(["-p", &port, "-c", &clients, "-n", COMMANDS, "-t", command, "--csv"])
        .output()
        .context("`redis-benchmark` cannot be started: install it (Debian: redis-tools)")?;
    ensure!(output.status.success(), "redis-benchmark: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let wanted = format!("\"{}\"", command.to_uppercase());
    let line =
        text.lines().find(|line| line.starts_with(&wanted)).context("redis-benchmark prints no row")?;
    let cell = line.split(',').nth(1).context("the row has no rate")?;
    Ok(cell.trim_matches('"').parse()?)
}

/// Returns the rate of `SET NX PX` of one caller, each on another key.
pub async fn lease(server: &RedisServer) -> Result<f64> {
    let client = redis::Client::open(server.url())?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < SPAN {
        let mut set = redis::cmd("SET");
        set.arg(format!("bare:{count}")).arg("holder").arg("NX").arg("PX").arg(10_000);
        let () = set.query_async(&mut connection).await?;
        count += 1;
    }
    Ok(rate(count, begun.elapsed()))
}
