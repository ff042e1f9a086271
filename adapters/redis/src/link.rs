//! The connection: one, shared by all calls, made anew when it breaks.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use miroir_ports::outbound::StoreError;
use redis::aio::MultiplexedConnection;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, IntoConnectionInfo as _, RedisError, ServerErrorKind, TlsMode,
};
use tokio::sync::Mutex;

use crate::error::not_sent;
use crate::options::RedisOptions;
use crate::sentinel_url::SentinelUrl;

/// Where connections come from.
enum Source {
    /// Always the same server.
    Server(Box<Client>),
    /// Whichever server the Sentinels call master now.
    Sentinel(Box<Mutex<SentinelClient>>),
}

/// A connection and the number of its making, by which a call tells which one broke under it.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) connection: MultiplexedConnection,
    made: u64,
}

/// Makes connections and hands out the one that stands.
pub(crate) struct Link {
    source: Source,
    connect_timeout: Duration,
    response_timeout: Duration,
    current: Mutex<Option<Wire>>,
    made: AtomicU64,
}

impl fmt::Debug for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Link {
    /// Nothing is connected yet.
    pub(crate) fn new(options: &RedisOptions) -> Result<Self, StoreError> {
        Ok(Self {
            source: source(&options.url)?,
            connect_timeout: options.connect_timeout,
            response_timeout: options.response_timeout,
            current: Mutex::new(None),
            made: AtomicU64::new(0),
        })
    }

    /// The connection that stands, or a new one. Callers that come while one is made wait for it.
    pub(crate) async fn wire(&self) -> Result<Wire, StoreError> {
        let mut current = self.current.lock().await;
        if let Some(wire) = current.as_ref() {
            return Ok(wire.clone());
        }
        let connection = self.connect().await.map_err(not_sent)?;
        let wire = Wire { connection, made: self.made.fetch_add(1, Ordering::Relaxed) };
        *current = Some(wire.clone());
        Ok(wire)
    }

    /// Forgets `wire` if `error` says that it, or the server behind it, is not to be used again.
    pub(crate) async fn report(&self, wire: &Wire, error: &RedisError) {
        // A replica that was a master, or a server that restarts: with Sentinels the next connection goes elsewhere.
        let elsewhere = matches!(
            error.kind(),
            ErrorKind::Server(
                ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown | ServerErrorKind::BusyLoading
            )
        );
        if !(error.is_io_error() || error.is_unrecoverable_error() || elsewhere) {
            return;
        }
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|standing| standing.made == wire.made) {
            *current = None;
        }
    }

    /// A connection of its own for messages that are published.
    pub(crate) async fn subscriber(&self) -> Result<redis::aio::PubSub, StoreError> {
        let client = match &self.source {
            Source::Server(client) => client.as_ref().clone(),
            Source::Sentinel(sentinel) => sentinel.lock().await.async_get_client().await.map_err(not_sent)?,
        };
        let connecting = tokio::time::timeout(self.connect_timeout, client.get_async_pubsub());
        connecting.await.map_err(|_| not_sent(timed_out()))?.map_err(not_sent)
    }

    async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(Some(self.response_timeout));
        match &self.source {
            Source::Server(client) => client.get_multiplexed_async_connection_with_config(&config).await,
            Source::Sentinel(sentinel) => {
                let mut sentinel = sentinel.lock().await;
                // Bounds the questions to the Sentinels too, whose connections have no time of their own.
                let connecting = sentinel.get_async_connection_with_config(&config);
                tokio::time::timeout(self.connect_timeout * 2, connecting).await.map_err(|_| timed_out())?
            }
        }
    }
}

fn timed_out() -> RedisError {
    std::io::Error::new(std::io::ErrorKind::TimedOut, "connecting took too long").into()
}

fn source(url: &str) -> Result<Source, StoreError> {
    // Which cryptography TLS uses is a choice of the whole process; another part may have made it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let invalid = |error: RedisError| StoreError::InvalidInput(format!("the URL of Redis: {error}"));
    let Some(sentinels) = SentinelUrl::parse(url).map_err(StoreError::InvalidInput)? else {
        let info = url.into_connection_info().map_err(invalid)?;
        return Client::open(info).map(|client| Source::Server(Box::new(client))).map_err(invalid);
    };
    let mut builder =
        SentinelClientBuilder::new(sentinels.addresses, sentinels.master, SentinelServerType::Master)
            .map_err(invalid)?
            .set_client_to_redis_db(sentinels.database);
    if sentinels.tls {
        builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
    }
    if let Some(user) = sentinels.user {
        builder = builder.set_client_to_redis_username(user);
    }
    if let Some(password) = sentinels.password {
        builder = builder.set_client_to_redis_password(password);
    }
    let client = builder.build().map_err(invalid)?;
    Ok(Source::Sentinel(Box::new(Mutex::new(client))))
}
