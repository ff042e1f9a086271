//! The ports of Miroir: [`inbound`] has the use cases that it offers, [`outbound`] has the services that it
//! needs.
//!
//! Adapters on either side know these traits and the domain, and not each other. Each trait is object-safe,
//! is used as `Arc<dyn …>`, and has no default bodies. The `mocks` feature makes a mock of each.

mod error_chain;
pub mod inbound;
pub mod outbound;
mod source;

pub use error_chain::{error_chain, one_line};
pub use source::Source;
