//! The contract suite against the server named by `MIROIR_MEILISEARCH_BIN`; without it, every case fails.

mod suite;

use suite::server::Server;

async fn start() -> Server {
    Server::real().await
}

suite::cases!(crate::start);
