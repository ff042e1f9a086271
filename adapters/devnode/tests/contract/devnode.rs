//! The contract suite against the simulated server.

mod suite;

use suite::server::Server;

async fn start() -> Server {
    Server::simulated().await
}

suite::cases!(crate::start);
