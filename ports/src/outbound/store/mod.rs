//! The task store: one trait per table, met in one supertrait.
//!
//! Contracts that hold for every method:
//!
//! - **STORE-1** A method is one atomic unit: all of it happened, or none of it.
//! - **STORE-2** A method that answered `Ok` is durable, as far as the backend's durability setting goes.
//! - **STORE-3** Expected outcomes are values; errors are for what the caller could not expect.
//! - **STORE-4** A value read back equals the value written, whatever Unicode, JSON or integers it holds.
//! - **STORE-5** A row that cannot be decoded is [`StoreError::Corrupt`] and names its key; it is never skipped and
//!   never a panic.
//! - **STORE-6** Methods may be called from any number of tasks at once; a dropped call leaves no half-done work: what it
//!   asked for happens whole or not at all.
//! - **STORE-7** A version of `u64::MAX` cannot be raised: replacing such a row is `InvalidInput`.
//! - **STORE-8** What a method answered `Ok` to is there again after the store was closed and opened.
//! - **STORE-9** After a change was acknowledged, every call that begins later sees it.

mod error;
mod index;
mod node_settings;
mod rule;
mod status;
mod task;

pub use error::*;
pub use index::*;
pub use node_settings::*;
pub use rule::*;
pub use status::*;
pub use task::*;

/// What became of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The row is as given, with its version raised by one.
    Stored,
    /// The row has another version, or is not there: nothing changed.
    Conflict,
}

/// What became of a creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    /// The row is there now.
    Created,
    /// A row of that key was there already: nothing changed.
    Exists,
}

/// The whole store: one object to choose at start, one object to swap in a test.
pub trait TaskStore: TaskTable + IndexTable + NodeSettingsTable + StoreStatus {}

impl<T: TaskTable + IndexTable + NodeSettingsTable + StoreStatus> TaskStore for T {}
