//! The connection that all calls share. It is made anew when it breaks.

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

/// The source of connections.
enum Source {
    /// One server.
    Server(Box<Client>),
    /// The server that the Sentinels name as master.
    Sentinel(Box<Mutex<SentinelClient>>),
}

/// A connection and its serial number, by which a call reports the connection that broke.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) connection: MultiplexedConnection,
    made: u64,
}

/// The maker and holder of the current connection.
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
    /// Creates a link, without connecting.
    pub(crate) fn new(options: &RedisOptions) -> Result<Self, StoreError> {
        Ok(Self {
            source: source(&options.url)?,
            connect_timeout: options.connect_timeout,
            response_timeout: options.response_timeout,
            current: Mutex::new(None),
            made: AtomicU64::new(0),
        })
    }

    /// Returns the current connection, or a new one. Concurrent callers wait for the one that is being made.
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

    /// Drops `wire` if `error` shows that it, or the server behind it, must not be used again.
    pub(crate) async fn report(&self, wire: &Wire, error: &RedisError) {
        // The server has become a replica, or restarts: with Sentinels the next connection may go to another
        // server.
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

    /// Returns a connection of its own for published messages.
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
                // Bounds the requests to the Sentinels as well, whose connections have no timeout of their
                // own.
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
    // The provider of cryptography for TLS is global to the process. Another part may have installed it
    // already.
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
