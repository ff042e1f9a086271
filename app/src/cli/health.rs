//! `miroir health`: a health check for images without a shell and for `helm test`.

use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;

use super::output::print;

/// The longest wait for a response.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Arguments of `miroir health`.
#[derive(Debug, Args)]
pub(super) struct HealthArguments {
    /// URL of the Miroir server.
    #[arg(long, value_name = "URL", env = "MIROIR_URL", default_value = "http://127.0.0.1:7700")]
    url: String,
    /// Check readiness instead: the store is available, and every shard has a node.
    #[arg(long)]
    ready: bool,
}

pub(super) async fn run(arguments: HealthArguments) -> anyhow::Result<()> {
    let path = if arguments.ready { "/_miroir/ready" } else { "/health" };
    // A proxy of the environment must not intercept requests to this machine.
    let client = reqwest::Client::builder().timeout(TIMEOUT).no_proxy().build();
    let client = client.context("cannot make an HTTP client")?;
    let url = format!("{}{path}", arguments.url.trim_end_matches('/'));
    let request = || format!("GET {path}");
    let response = client.get(url).send().await.with_context(request)?;
    let status = response.status().as_u16();
    let body = response.text().await.with_context(request)?;
    ensure!(status == 200, "GET {path} returned {status} instead of 200: {body}");
    print(&format!("{body}\n"))
}
