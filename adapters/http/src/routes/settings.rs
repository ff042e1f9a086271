//! `/indexes/{index_uid}/settings`, whole and setting by setting.

use std::sync::Arc;

use http::Method;
use miroir_domain::settings::{Setting, SettingsAction, SettingsChange, UpdateMethod};

use crate::Apis;
use crate::reply::{Outcome, Reply};
use crate::request::Request;
use crate::route::Route;

const SETTINGS: &str = "/indexes/{index_uid}/settings";

pub(super) fn routes() -> Vec<Route> {
    let one = Setting::ALL.iter().flat_map(|&setting| {
        let method = match setting.update_method() {
            UpdateMethod::Put => Method::PUT,
            UpdateMethod::Patch => Method::PATCH,
        };
        resource(format!("{SETTINGS}/{}", setting.route()), method, Some(setting))
    });
    resource(SETTINGS.to_owned(), Method::PATCH, None).into_iter().chain(one).collect()
}

fn resource(path: String, update_method: Method, setting: Option<Setting>) -> [Route; 3] {
    [
        Route::client(Method::GET, path.clone(), move |apis, request| get(apis, request, setting)),
        Route::client(update_method, path.clone(), move |apis, request| update(apis, request, setting)),
        Route::client(Method::DELETE, path, move |apis, request| reset(apis, request, setting)),
    ]
}

async fn get(apis: Arc<Apis>, request: Request, setting: Option<Setting>) -> Outcome {
    Reply::answer(apis.settings.settings_get(request.index()?, setting).await?)
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
