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

/// What to do with a setting or with all of them.
#[derive(Debug, Clone, PartialEq)]
pub enum SettingsAction {
    /// Take this value (`PUT`/`PATCH`).
    Update(Value),
    /// Return to the default (`DELETE`).
    Reset,
}
