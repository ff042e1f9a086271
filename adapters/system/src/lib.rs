//! What comes from the machine: the time of day and ids that no one else has.
//!
//! The only crate that reads an ambient clock or rolls dice; everything else is handed a
//! [`Clock`](miroir_ports::outbound::Clock) and [`Ids`](miroir_ports::outbound::Ids).

mod clock;
mod ids;

pub use clock::{ManualClock, SystemClock};
pub use ids::UuidIds;
