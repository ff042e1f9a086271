//! Canaries at work: stored searches, run on a schedule, judged by the domain, their runs kept in the store.
//!
//! | module | what it does |
//! |---|---|
//! | `service` | implements the inbound port |
//! | `executor` | runs one canary once: looks up, searches within the time, has it judged, records |
//! | `runner` | runs each enabled canary once per interval |
//! | `ownership`, `part` | which canaries are this instance's, and having one part of them for a term |
//! | `capture` | makes drafts of what clients search for |
//! | `configured` | keeps the store equal to the canaries of the configuration |
//! | `index_facts` | what judging needs to know of an index |
//! | `assembly` | the parts put together |
//! | `view` | rows as the port shows them |

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
