//! Ids that no one else has.

/// A source of unique ids.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait Ids: Send + Sync + 'static {
    /// A new id: 1 to 64 characters of `A-Za-z0-9-`, growing with time, never given twice.
    fn unique_id(&self) -> String;
}
