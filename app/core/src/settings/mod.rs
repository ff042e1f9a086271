//! The committed settings of indexes, as services and workers use them.

mod log;

pub use log::SettingsLog;
