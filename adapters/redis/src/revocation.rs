//! Revocations of admin sessions, by publish and subscribe.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use miroir_ports::error_chain;
use miroir_ports::outbound::{Revocation, RevocationFeed, Revocations, StoreError};
use redis::aio::PubSubStream;

use crate::error::of_subscription;
use crate::link::Link;
use crate::store::RedisStore;

/// The pause before an interrupted subscription is tried again.
const PAUSE: Duration = Duration::from_millis(200);

/// A subscription on a connection of its own.
struct Subscription {
    link: Arc<Link>,
    channel: String,
    /// `None` while the connection is broken.
    messages: Option<PubSubStream>,
}

async fn subscribe(link: &Link, channel: &str) -> Result<PubSubStream, StoreError> {
    let mut connection = link.subscriber().await?;
    connection.subscribe(channel).await.map_err(of_subscription)?;
    Ok(connection.into_on_message())
}

impl Subscription {
    /// Returns the next revocation, or [`Revocation::Missed`] when the connection breaks and when it is
    /// restored.
    async fn next(&mut self) -> Revocation {
        let Some(messages) = &mut self.messages else {
            return self.resubscribe().await;
        };
        // Messages that are not ids of sessions are not Miroir's.
        while let Some(message) = messages.next().await {
            if let Ok(id) = message.get_payload() {
                return Revocation::Session(id);
            }
        }
        self.messages = None;
        Revocation::Missed
    }

    async fn resubscribe(&mut self) -> Revocation {
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
impl RevocationFeed for RedisStore {
    async fn revocations(&self) -> Result<Revocations, StoreError> {
        self.check_open()?;
        let channel = self.keys.revoked_channel();
        let messages = Some(subscribe(&self.link, &channel).await?);
        let subscription = Subscription { link: Arc::clone(&self.link), channel, messages };
        let mut closed = self.closed.subscribe();
        let revocations = stream::unfold(subscription, |mut subscription| async {
            Some((subscription.next().await, subscription))
        });
        // Waiting fails if the store was dropped, which closes it as well.
        Ok(revocations.take_until(async move { drop(closed.wait_for(|closed| *closed).await) }).boxed())
    }
}
