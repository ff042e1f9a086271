//! Refusing a change of settings before any node is sent it.

use serde_json::Value;

use super::check::{Place, check};
use super::setting::KEYS;
use super::{Setting, SettingsAction, SettingsChange, ranking_rule, reserved};
use crate::error::{ErrorCode, InvalidRequest};
use crate::wording;

impl SettingsChange {
    /// Checks the shape of the change before any node is called: known keys, right JSON types, no reserved
    /// attribute. The nodes check the rest. Errors have Meilisearch's codes.
    pub fn validate(&self) -> Result<(), InvalidRequest> {
        match (self.setting, &self.action) {
            (_, SettingsAction::Reset) => Ok(()),
            (Some(setting), SettingsAction::Update(value)) => {
                validate_one(setting, value, &Place::Root)?;
                reserved::refuse(setting, value)
            }
            (None, SettingsAction::Update(Value::Object(settings))) => {
                for (key, value) in settings {
                    let setting = Setting::from_key(key).ok_or_else(|| unknown(key))?;
                    validate_one(setting, value, &Place::Key(&Place::Root, key))?;
                }
                for (key, value) in settings {
                    Setting::from_key(key).map_or(Ok(()), |setting| reserved::refuse(setting, value))?;
                }
                Ok(())
            }
            (None, SettingsAction::Update(value)) => {
                let wrong = wording::wrong_type("", "an object", value);
                Err(InvalidRequest::new(ErrorCode::BadRequest, wrong))
            }
        }
    }
}

/// Checks the value of one setting. Null resets a setting, so it is valid for each.
fn validate_one(setting: Setting, value: &Value, place: &Place<'_>) -> Result<(), InvalidRequest> {
    if value.is_null() {
        return Ok(());
    }
    let refused = |wrong| InvalidRequest::new(setting.error_code(), wrong);
    check(setting.shape(), value, place).map_err(refused)?;
    if setting == Setting::RankingRules {
        ranking_rule::refuse_mixed(value).map_err(refused)?;
    }
    Ok(())
}

fn unknown(key: &str) -> InvalidRequest {
    InvalidRequest::new(ErrorCode::BadRequest, wording::unknown("field", key, KEYS))
}
