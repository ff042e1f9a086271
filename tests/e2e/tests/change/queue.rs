//! A consumer behind NATS: a durable consumer of a `JetStream` stream.

use miroir_e2e::Ledger;
use std::time::Duration;

use async_nats::jetstream::{self, consumer::pull, stream};
use futures_util::StreamExt as _;
use miroir_test_nats::NatsServer;
use tokio::task::JoinHandle;

/// Creates the stream that the sink publishes to.
pub async fn create(server: &NatsServer) {
    let client = async_nats::connect(server.url()).await.unwrap();
    let config = stream::Config {
        name: "changes".to_owned(),
        subjects: vec!["miroir.changes.>".to_owned()],
        ..stream::Config::default()
    };
    jetstream::new(client).create_stream(config).await.unwrap();
}

/// Starts a consumer that continues at its position on the server, and reconnects by itself.
pub fn start(url: String, ledger: Ledger) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            // Any failure restarts the consumer.
            if consume(&url, &ledger).await.is_none() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    })
}

async fn consume(url: &str, ledger: &Ledger) -> Option<()> {
    let client = async_nats::connect(url).await.ok()?;
    let stream = jetstream::new(client).get_stream("changes").await.ok()?;
    let config = pull::Config {
        durable_name: Some("reader".to_owned()),
        ack_wait: Duration::from_millis(500),
        // One message at a time, so that redelivered messages stay in the order of the stream.
        max_ack_pending: 1,
        ..pull::Config::default()
    };
    let consumer = stream.get_or_create_consumer("reader", config).await.ok()?;
    loop {
        let mut batch =
            consumer.fetch().max_messages(50).expires(Duration::from_secs(1)).messages().await.ok()?;
        while let Some(message) = batch.next().await {
            let message = message.ok()?;
            ledger.enter(&serde_json::from_slice(&message.payload).unwrap());
            message.double_ack().await.ok()?;
        }
    }
}
