//! Runs one simulated node until it is interrupted:
//! `cargo run -p miroir-devnode --example serve -- 7701 [master key]`.

use miroir_devnode::{DevNode, DevNodeOptions};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().and_then(|port| port.parse().ok()).unwrap_or(7700);
    let options = DevNodeOptions {
        address: ([127, 0, 0, 1], port).into(),
        master_key: arguments.next(),
        ..DevNodeOptions::default()
    };
    let node = DevNode::start(options).await?;
    println!("listening on {}", node.url());
    std::future::pending().await
}
