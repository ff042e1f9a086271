//! The ports of Miroir: [`inbound`] is what the outside may ask of it, [`outbound`] is what it needs from the outside.
//!
//! Adapters on either side know these traits and the domain, and nothing of each other. Each trait is object-safe,
//! is used as `Arc<dyn …>`, and has no default bodies; the `mocks` feature makes a mock of each.

mod error_chain;
pub mod inbound;
pub mod outbound;

pub use error_chain::{ErrorChain, error_chain};
