//! Time.

use miroir_domain::Timestamp;

/// The wall clock, so that tests can move it.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait Clock: Send + Sync + 'static {
    /// Returns the present instant.
    fn now(&self) -> Timestamp;
}
