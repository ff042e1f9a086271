//! Why a sink cannot be made from its configuration.

use std::net::IpAddr;
use std::path::PathBuf;

/// What is wrong with the configuration of a sink. No message repeats a URL, which may hold a password, or a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkConfigError {
    /// An address that cannot be used.
    #[error("the url of the sink cannot be used: {reason}")]
    InvalidUrl {
        /// What is wrong with it.
        reason: String,
    },
    /// An address inside a private network, which nobody allowed.
    #[error(
        "the url of the webhook names {address}, which is not a public address: set `allow_private` if the receiver \
         is meant to be inside your own network"
    )]
    PrivateAddress {
        /// The address the URL means, however it was spelled.
        address: IpAddr,
    },
    /// No secret to sign with.
    #[error("the webhook has no secret: give at least one, as `whsec_` and 24 to 64 random bytes in base64")]
    NoSecret,
    /// A secret that cannot sign.
    #[error("secret {number} of the webhook cannot be used: {reason}")]
    InvalidSecret {
        /// Which one, counted from 1.
        number: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A subject that no message can have.
    #[error("the subject `{subject}` cannot be used: {reason}")]
    InvalidSubject {
        /// The subject.
        subject: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Credentials that do not go together.
    #[error("the credentials of the NATS sink do not go together: {reason}")]
    AmbiguousCredentials {
        /// What is too much or too little.
        reason: &'static str,
    },
    /// A credentials file that cannot be used.
    #[error("the credentials file {} cannot be used: {reason}", file.display())]
    CredentialsFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it, without what stands in it.
        reason: String,
    },
    /// A sink that would give up before it began.
    #[error("the timeout of the sink is zero: every delivery would fail")]
    ZeroTimeout,
    /// A machine on which no TLS connection can be trusted.
    #[error("no receiver can be trusted over https: {reason}")]
    NoTrust {
        /// What is missing.
        reason: String,
    },
}
