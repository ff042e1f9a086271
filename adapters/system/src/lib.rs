//! The time of day and unique ids, from the machine.
//!
//! Only this crate reads an ambient clock or randomness; everything else is given a
//! [`Clock`](miroir_ports::outbound::Clock) and [`Ids`](miroir_ports::outbound::Ids).

mod clock;
mod ids;

pub use clock::{ManualClock, SystemClock};
pub use ids::UuidIds;
