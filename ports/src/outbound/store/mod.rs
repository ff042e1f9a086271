//! The task store: one trait per table, and one supertrait of them all.
//!
//! Contracts of every method:
//!
//! - **STORE-1** A method is one atomic unit: it is applied as a whole or not at all.
//! - **STORE-2** A method that returned `Ok` is durable, as far as the backend's durability setting goes.
//! - **STORE-3** Expected outcomes are values. Errors are for what the caller could not expect.
//! - **STORE-4** A value read back equals the value written, for any Unicode, JSON and integers.
//! - **STORE-5** A row that cannot be decoded is [`StoreError::Corrupt`] and names its key. It is never
//!   skipped and never causes a panic.
//! - **STORE-6** Methods may be called from any number of tasks at once. A dropped call is applied as a whole
//!   or not at all.
//! - **STORE-7** A version of `u64::MAX` cannot be raised: replacing such a row is `InvalidInput`.
//! - **STORE-8** A change that returned `Ok` is still there after the store was closed and opened.
//! - **STORE-10** A row with an instant of expiry exists while `now` is before that instant, and no longer
//!   from that instant on, even if it was not removed yet. JSON that nests deeper than
//!   [`MAX_JSON_DEPTH`](miroir_domain::row::MAX_JSON_DEPTH) is `InvalidInput`.
//! - **STORE-9** Once a change is acknowledged, every call that begins later sees it.

mod admin_session;
mod alias;
mod canary;
mod change_cursor;
mod change_outbox;
mod change_sink;
mod committed_settings;
mod conditional;
mod error;
mod idempotency;
mod identity;
mod index;
mod job;
mod lease;
mod node_settings;
mod rate_limit;
mod replica;
mod revocation;
mod rollover;
mod row;
mod scoped_key;
mod search_ui;
mod session;
mod status;
mod task;
mod task_store;
mod tenant;
mod wrap;

pub use admin_session::*;
pub use alias::*;
pub use canary::*;
pub use change_cursor::*;
pub use change_outbox::*;
pub use change_sink::*;
pub use committed_settings::*;
pub use conditional::*;
pub use error::*;
pub use idempotency::*;
pub use identity::*;
pub use index::*;
pub use job::*;
pub use lease::*;
pub use node_settings::*;
pub use rate_limit::*;
pub use replica::*;
pub use revocation::*;
pub use rollover::*;
pub use scoped_key::*;
pub use search_ui::*;
pub use session::*;
pub use status::*;
pub use task::*;
pub use task_store::*;
pub use tenant::*;
