//! Several instances that share one store, and the roles that they hold. Each role has at most one holder.
//!
//! An instance announces its presence by a lease of its own. Each role has a lease too. Its holder does the
//! work of the role, with a store handle that is fenced with the token of the term. The role of the writes
//! stays with its holder. The other roles are distributed among the live instances by rendezvous hashing, and
//! move when an instance starts or stops.
//!
//! | module | contents |
//! |---|---|
//! | `lease` | acquires, renews and releases one lease |
//! | `presence` | announces this instance and reads the others |
//! | `directory` | the holders of all roles, as far as this instance knows |
//! | `campaign` | acquires a role and does its work, term after term |
//! | `service` | implements the inbound port |

mod campaign;
mod directory;
mod lease;
mod presence;
mod service;

pub use campaign::{Campaign, Handles, Term, Work, campaign_loop};
pub use directory::{Directory, has_earlier_programs};
pub use lease::{HeldLease, LeaseTimings, LeaseValidity};
pub use presence::{Presence, presence_loop};
pub use service::{InstanceService, SoleInstance};
