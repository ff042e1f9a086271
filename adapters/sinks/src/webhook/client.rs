//! The HTTP client of webhooks.
//!
//! It is made of hyper's parts and not of reqwest, which the client of the nodes uses. With TLS enabled,
//! reqwest loads the machine's certificates for every client in the program; nodes, which use plain HTTP,
//! could then not be reached from a machine without certificates. Besides, nothing here follows redirects or
//! reads a proxy from the environment.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use miroir_ports::error_chain;
use rustls::{ClientConfig, RootCertStore};

use super::endpoint::Endpoint;
use super::guard::GuardedResolver;
use crate::error::SinkConfigError;

/// The time for which a connection is kept without a request. Common servers and proxies close one after 5 s.
const IDLE: Duration = Duration::from_secs(3);
/// The longest head of a response, in bytes.
const HEAD_BYTES: usize = 64 << 10;

/// A client that connects to public addresses only, unless private ones are allowed.
pub(crate) type WebhookClient = Client<HttpsConnector<HttpConnector<GuardedResolver>>, Full<Bytes>>;

/// Creates a client for this receiver. Opens no connection.
pub(crate) fn client(
    endpoint: &Endpoint,
    connect_timeout: Duration,
    allow_private: bool,
) -> Result<WebhookClient, SinkConfigError> {
    let mut connector = HttpConnector::new_with_resolver(GuardedResolver { allow_private });
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(connect_timeout));
    connector.set_nodelay(true);
    // A receiver without TLS needs no certificates of this machine.
    let roots = if endpoint.is_secure() { trusted_roots()? } else { RootCertStore::empty() };
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls(roots)?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .http1_max_buf_size(HEAD_BYTES)
        .build(connector);
    Ok(client)
}

fn tls(roots: RootCertStore) -> Result<ClientConfig, SinkConfigError> {
    // Named here, so that the default of the process does not matter.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SinkConfigError::NoTrust { reason: error_chain(&error) })?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Returns the certificates that the machine trusts, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
fn trusted_roots() -> Result<RootCertStore, SinkConfigError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        let reason = found.errors.first().map_or_else(
            || {
                "this machine has no trusted certificates; install them, on Debian with `apt-get install \
                 ca-certificates`, or name a file in SSL_CERT_FILE"
                    .to_owned()
            },
            |error| {
                format!("the trusted certificates of this machine cannot be read: {}", error_chain(error))
            },
        );
        return Err(SinkConfigError::NoTrust { reason });
    }
    Ok(roots)
}
