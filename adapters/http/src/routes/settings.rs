//! `/indexes/{index_uid}/settings`: all settings, and each setting.

use std::sync::Arc;

use http::Method;
use miroir_domain::error::ErrorCode;
use miroir_domain::settings::{Setting, SettingsAction, SettingsChange, UpdateMethod};

use crate::Apis;
use crate::reply::{Outcome, Reply};
use crate::request::Request;
use crate::route::Route;

const SETTINGS: &str = "/indexes/{index_uid}/settings";

pub(super) fn routes() -> Vec<Route> {
    let one = Setting::ALL.iter().flat_map(|&setting| {
        let [get, change, reset] = resource(Some(setting));
        [get, change.refuses(&[setting.error_code()]), reset]
    });
    resource(None).map(|route| route.refuses_all("invalid_settings_")).into_iter().chain(one).collect()
}

/// Returns the routes that read, change and reset one setting, or all of them.
fn resource(setting: Option<Setting>) -> [Route; 3] {
    let (path, method, key, schema) = match setting {
        None => (SETTINGS.to_owned(), Method::PATCH, "settings", "Settings".to_owned()),
        Some(setting) => {
            let method = match setting.update_method() {
                UpdateMethod::Put => Method::PUT,
                UpdateMethod::Patch => Method::PATCH,
            };
            let path = format!("{SETTINGS}/{}", setting.route());
            (path, method, setting.key(), format!("Setting.{}", setting.key()))
        }
    };
    // Keys begin with an ASCII letter.
    let id = |verb: &str| format!("{verb}{}{}", key[..1].to_ascii_uppercase(), &key[1..]);
    [
        Route::new(Method::GET, path.clone(), id("get"), format!("Get `{key}`"), move |apis, request| {
            get(apis, request, setting)
        })
        .reads("The value.", &schema)
        .refuses(&[ErrorCode::MiroirAliasConflict]),
        Route::new(method, path.clone(), id("change"), format!("Change `{key}`"), move |apis, request| {
            update(apis, request, setting)
        })
        .body(&schema)
        .writes()
        .refuses(&[ErrorCode::MiroirReservedField]),
        Route::new(Method::DELETE, path, id("reset"), format!("Reset `{key}`"), move |apis, request| {
            reset(apis, request, setting)
        })
        .writes(),
    ]
}

async fn get(apis: Arc<Apis>, request: Request, setting: Option<Setting>) -> Outcome {
    Reply::client_object(apis.settings.settings_get(request.index()?, setting).await?)
}

async fn update(apis: Arc<Apis>, mut request: Request, setting: Option<Setting>) -> Outcome {
    let index = request.index()?;
    let action = SettingsAction::Update(request.json().await?);
    Reply::accepted(apis.settings.settings_change(index, SettingsChange { setting, action }).await?)
}

async fn reset(apis: Arc<Apis>, request: Request, setting: Option<Setting>) -> Outcome {
    let change = SettingsChange { setting, action: SettingsAction::Reset };
    Reply::accepted(apis.settings.settings_change(request.index()?, change).await?)
}
