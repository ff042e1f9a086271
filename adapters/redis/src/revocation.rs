//! Revocations of admin sessions, by publish and subscribe.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use miroir_ports::error_chain;
use miroir_ports::outbound::{Revocation, RevocationFeed, Revocations, StoreError};
use redis::aio::PubSubStream;
use tokio::sync::watch;

use crate::RedisStore;
use crate::error::of_subscription;
use crate::link::Link;

/// The pause before a subscription that was interrupted is begun again.
const PAUSE: Duration = Duration::from_millis(200);

/// A subscription on a connection of its own.
struct Subscription {
    link: Arc<Link>,
    channel: String,
    /// None after the connection broke, until there is another.
    messages: Option<PubSubStream>,
    closed: watch::Receiver<bool>,
}

async fn subscribe(link: &Link, channel: &str) -> Result<PubSubStream, StoreError> {
    let mut connection = link.subscriber().await?;
    connection.subscribe(channel).await.map_err(of_subscription)?;
    Ok(connection.into_on_message())
}

impl Subscription {
    /// The next message of the connection, or that it broke, or that it is there again.
    async fn hear(&mut self) -> Revocation {
        let Some(messages) = &mut self.messages else {
            return self.begin_again().await;
        };
        // A message that is no id of a session is none of ours.
        while let Some(message) = messages.next().await {
            if let Ok(id) = message.get_payload() {
                return Revocation::Session(id);
            }
        }
        self.messages = None;
        Revocation::Missed
    }

    async fn begin_again(&mut self) -> Revocation {
        loop {
            tokio::time::sleep(PAUSE).await;
            match subscribe(&self.link, &self.channel).await {
                Ok(messages) => {
                    self.messages = Some(messages);
                    return Revocation::Missed;
                }
                Err(error) => tracing::debug!("subscribing to revocations: {}", error_chain(&error)),
            }
        }
    }
}

#[async_trait]
impl Revocations for Subscription {
    async fn next(&mut self) -> Option<Revocation> {
        let mut closed = self.closed.clone();
        tokio::select! {
            // An error says that the store was dropped, which is to be closed.
            _ = closed.wait_for(|closed| *closed) => None,
            heard = self.hear() => Some(heard),
        }
    }
}

#[async_trait]
impl RevocationFeed for RedisStore {
    async fn revocations(&self) -> Result<Box<dyn Revocations>, StoreError> {
        self.check_open()?;
        let channel = self.keys.revoked_channel();
        let messages = Some(subscribe(&self.link, &channel).await?);
        Ok(Box::new(Subscription {
            link: Arc::clone(&self.link),
            channel,
            messages,
            closed: self.closed.subscribe(),
        }))
    }
}
