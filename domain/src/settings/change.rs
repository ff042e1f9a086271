//! A client's change of settings.

use serde_json::Value;

use super::Setting;

/// A client's change of settings.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingsChange {
    /// One setting by its sub-route, or the whole object.
    pub setting: Option<Setting>,
    /// The new value, or a reset.
    pub action: SettingsAction,
}

/// The change to a setting or to all of them.
#[derive(Debug, Clone, PartialEq)]
pub enum SettingsAction {
    /// Replaces the value (`PUT`/`PATCH`).
    Update(Value),
    /// Returns to the default (`DELETE`).
    Reset,
}
