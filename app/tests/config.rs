//! The configuration: accepted values, refusals and their messages.

#[path = "config/accepted.rs"]
mod accepted;
#[path = "config/hostile.rs"]
mod hostile;
#[path = "config/reference.rs"]
mod reference;
#[path = "config/refused.rs"]
mod refused;
#[path = "config/support.rs"]
mod support;
