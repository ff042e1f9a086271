//! Canaries: stored searches that run on a schedule. The domain evaluates them, and the store keeps their
//! runs.
//!
//! | module | contents |
//! |---|---|
//! | `service` | implements the inbound port |
//! | `executor` | runs one canary once: searches within a time limit, evaluates, records |
//! | `runner` | runs each enabled canary once per interval |
//! | `ownership` | the canaries that this instance runs |
//! | `part` | the work of the role that runs one part of the canaries |
//! | `capture` | makes drafts of searches that clients send |
//! | `configured` | stores the canaries of the configuration |
//! | `index_facts` | facts of an index that the evaluation needs |
//! | `listing` | lists the stored canaries |
//! | `assembly` | builds the service and the workers |
//! | `view` | converts rows to views of the port |

mod assembly;
mod capture;
mod configured;
mod executor;
mod index_facts;
mod listing;
mod ownership;
mod part;
mod runner;
mod service;
mod view;

pub use assembly::Canaries;
pub use capture::{CaptureTap, Captures, capture_loop};
pub use configured::{Configured, configure};
pub use executor::{CanaryOptions, Executor};
pub use ownership::{OwnedPart, OwnedParts, Ownership, OwnsAll};
pub use part::CanaryPart;
pub use runner::run_loop;
pub use service::CanaryService;
