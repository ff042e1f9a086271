//! `/indexes/{index_uid}/settings`, whole and setting by setting.

use miroir_domain::error::ErrorCode;
use miroir_domain::settings::{Setting, UpdateMethod};

use super::Operation;

const SETTINGS: &str = "/indexes/{index_uid}/settings";

pub(super) fn operations() -> Vec<Operation> {
    let whole = resource(SETTINGS, "PATCH", "settings", "Settings")
        .map(|operation| operation.refuses_all("invalid_settings_"));
    let one = Setting::ALL.iter().flat_map(|setting| {
        let method = match setting.update_method() {
            UpdateMethod::Put => "PUT",
            UpdateMethod::Patch => "PATCH",
        };
        let (path, schema) =
            (format!("{SETTINGS}/{}", setting.route()), format!("Setting.{}", setting.key()));
        let [get, change, reset] = resource(&path, method, setting.key(), &schema);
        [get, change.refuses(&[setting.error_code()]), reset]
    });
    whole.into_iter().chain(one).map(|operation| operation.tag("settings")).collect()
}

/// Get, change, reset. A reset and a change are refused alike by nodes, in their own codes.
fn resource(path: &str, change: &'static str, key: &str, schema: &str) -> [Operation; 3] {
    let id = |verb: &str| {
        let mut letters = key.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        format!("{verb}{}{}", first.map(String::from).unwrap_or_default(), letters.as_str())
    };
    let what = |verb: &str| format!("{verb} `{key}`");
    [
        Operation::new("GET", path, id("get"), what("Get"))
            .reads("The value.", schema)
            .refuses(&[ErrorCode::MiroirAliasConflict]),
        Operation::new(change, path, id("change"), what("Change"))
            .body(schema)
            .writes()
            .refuses(&[ErrorCode::MiroirReservedField]),
        Operation::new("DELETE", path, id("reset"), what("Reset")).writes(),
    ]
}
