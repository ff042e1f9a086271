//! Unique ids.

/// A source of unique ids.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait Ids: Send + Sync + 'static {
    /// Returns a new id: 1 to 64 characters of `A-Za-z0-9-`, growing with time, never returned twice.
    fn unique_id(&self) -> String;
}
