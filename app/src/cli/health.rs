//! `miroir health`: is it alive, for images without a shell and for `helm test`.

use clap::Args;

use super::client::Client;
use super::print;

/// Where a Miroir is asked, and what.
#[derive(Debug, Args)]
pub(super) struct HealthArguments {
    /// Where it listens.
    #[arg(long, value_name = "URL", env = "MIROIR_URL", default_value = "http://127.0.0.1:7700")]
    url: String,
    /// Request also whether it can serve: its store answers, and every shard has a node.
    #[arg(long)]
    ready: bool,
}

pub(super) async fn run(arguments: HealthArguments) -> anyhow::Result<()> {
    let path = if arguments.ready { "/_miroir/ready" } else { "/health" };
    let client = Client::new(arguments.url.trim_end_matches('/'))?;
    let answer = client.get(path).await?.expect_status(200)?;
    print(&format!("{}\n", answer.body))
}
