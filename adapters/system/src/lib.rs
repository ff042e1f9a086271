//! The time of day, unique ids and the sealing of secrets, from the machine.
//!
//! Only this crate reads an ambient clock or randomness; everything else is given a
//! [`Clock`](miroir_ports::outbound::Clock), [`Ids`](miroir_ports::outbound::Ids) and a
//! [`Sealer`](miroir_ports::outbound::Sealer).

mod clock;
mod ids;
mod sealer;

pub use clock::{ManualClock, SystemClock};
pub use ids::UuidIds;
pub use sealer::KeySealer;
