//! One suite for every store.
//!
//! The contract of the store's ports (`miroir_ports::outbound`) numbers its clauses. Each case here names
//! those it checks. A case is a function generic over a `harness::Harness`, written once, and run as a test
//! of its own for each backend: `memory::listing::pages_newest_first`, `sqlite::listing::pages_newest_first`.
//!
//! - To add a case, write it in its area under `case/` and name it in that area's list in `suite`. The
//!   compiler reports a case that is in no list.
//! - To add a store, implement `harness::Harness` and add one `suite!` line below.
//! - `property/` compares the stores with each other under random rows, queries and histories.
#![cfg(test)]

mod case;
mod fault;
mod harness;
mod property;
mod sample;
mod suite;

mod memory {
    crate::suite::suite!(crate::harness::Memory);
}

mod sqlite {
    crate::suite::suite!(crate::harness::Sqlite);
}

mod redis {
    crate::suite::suite!(crate::harness::Redis<crate::harness::Plain>);
}

mod redis_slots {
    crate::suite::suite!(crate::harness::Redis<crate::harness::Slots>);
}
