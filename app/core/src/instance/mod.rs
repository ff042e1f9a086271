//! Several instances side by side on one store: who does what, so that each role is done once.
//!
//! An instance shows that it lives by a lease of its own. Each role has a lease too: whoever holds it does the role, by a
//! handle of the store that is fenced with the token of the term. The writes stay with whoever has them; everything else is
//! dealt out among the live instances by rendezvous hashing, and moves when one comes or goes.
//!
//! | module | what it does |
//! |---|---|
//! | `lease` | one lease: acquired, renewed, released |
//! | `presence` | that this instance lives, and which others do |
//! | `directory` | who does what, for those who must know |
//! | `campaign` | gets a role, does it for a term, gets it again |
//! | `service` | implements the inbound port |

mod campaign;
mod directory;
mod lease;
mod presence;
mod service;

pub use campaign::{Campaign, Handles, Term, Work, campaign_loop};
pub use directory::Directory;
pub use lease::{HeldLease, LeaseTimings, LeaseValidity};
pub use presence::{Presence, presence_loop};
pub use service::{InstanceService, SoleInstance};
