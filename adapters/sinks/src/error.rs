//! Errors in the configuration of a sink.

use std::net::IpAddr;
use std::path::PathBuf;

/// A configuration from which no sink can be made. No message repeats a secret, nor a URL, which may hold a
/// password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkConfigError {
    /// An address that cannot be used.
    #[error("the url of the sink cannot be used: {reason}")]
    InvalidUrl {
        /// The problem.
        reason: String,
    },
    /// An address in a private network, which the configuration does not allow.
    #[error(
        "the url of the webhook names {address}, which is not a public address: set `allow_private` if the receiver \
         is meant to be inside your own network"
    )]
    PrivateAddress {
        /// The address that the URL means, in its canonical form.
        address: IpAddr,
    },
    /// No secret to sign with.
    #[error(
        "the webhook has no secret: configure at least one, as `whsec_` and 24 to 64 random bytes in base64"
    )]
    NoSecret,
    /// A secret that cannot sign.
    #[error("secret {number} of the webhook cannot be used: {reason}")]
    InvalidSecret {
        /// The number of the secret, counted from 1.
        number: usize,
        /// The problem.
        reason: String,
    },
    /// A subject that no message can have.
    #[error("the subject `{subject}` cannot be used: {reason}")]
    InvalidSubject {
        /// The subject.
        subject: String,
        /// The problem.
        reason: &'static str,
    },
    /// Credentials that contradict each other.
    #[error("the credentials of the NATS sink contradict each other: {reason}")]
    AmbiguousCredentials {
        /// The missing or superfluous part.
        reason: &'static str,
    },
    /// A credentials file that cannot be used.
    #[error("the credentials file {} cannot be used: {reason}", file.display())]
    CredentialsFile {
        /// The file.
        file: PathBuf,
        /// The problem, without the content of the file.
        reason: String,
    },
    /// A timeout within which no delivery could succeed.
    #[error("the timeout of the sink is zero: every delivery would fail")]
    ZeroTimeout,
    /// A machine without trusted certificates, so that no TLS connection can be trusted.
    #[error("no receiver can be trusted over https: {reason}")]
    NoTrust {
        /// The missing part.
        reason: String,
    },
}
