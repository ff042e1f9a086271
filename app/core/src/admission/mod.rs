//! Nodes that are taken in: new, empty or rolled-back ones by the leader, and those with unknown data by a
//! decision of an operator.

mod admit;
mod operator;
mod source;

pub use admit::{admission_loop, admit_all};
pub use operator::{adopt, reset};
