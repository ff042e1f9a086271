//! Sealing of secrets that are stored.

/// The error of a secret that cannot be opened. The text says why, without the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SealError(pub String);

/// The sealing of secrets with keys of the configuration. A sealed text tells nothing about its secret
/// without the key, and fits the place for which it was made alone.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait Sealer: Send + Sync + 'static {
    /// Returns `secret` sealed for `place`, or `None` if there is no key.
    fn seal(&self, secret: &str, place: &str) -> Option<String>;

    /// Returns the secret of a sealed text that was made for `place`.
    ///
    /// # Errors
    ///
    /// Fails if the key is not among those of the configuration, or if the text was changed or made for
    /// another place.
    fn open(&self, sealed: &str, place: &str) -> Result<String, SealError>;
}
