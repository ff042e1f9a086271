//! `/_miroir/aliases`: names that stand for indexes.

use std::sync::Arc;

use http::StatusCode;
use miroir_domain::IndexUid;
use miroir_domain::alias::{AliasChange, AliasView, NewAlias};
use miroir_domain::error::ErrorCode;
use serde_json::{Value, json};

use crate::Apis;
use crate::error::Failure;
use crate::if_match::IfMatch;
use crate::json;
use crate::reply::{Outcome, Reply};
use crate::request::{Request, parse_index};
use crate::route::Route;

const ALIASES: &str = "/_miroir/aliases";
const ALIAS: &str = "/_miroir/aliases/{name}";
const SWAP: &str = "/_miroir/aliases/_swap";

pub(super) fn routes() -> Vec<Route> {
    let routes = [
        Route::get(ALIASES, "aliasList", "Every alias, page by page", list)
            .query(&["aliases.after", "page.limit"])
            .returns(200, "In the order of their names.", "AliasList"),
        Route::post(ALIASES, "aliasCreate", "Create an alias", create)
            .body("NewAlias")
            .returns_with(201, "The alias.", "Alias", &["ETag"])
            .refuses(&[ErrorCode::MiroirAliasConflict]),
        Route::post(SWAP, "aliasSwap", "Exchange the targets of two aliases", swap)
            .body("AliasSwap")
            .returns(200, "Both, as they are now.", "AliasSwapped")
            .refuses(&[
                ErrorCode::MiroirAliasNotFound,
                ErrorCode::MiroirAliasConflict,
                ErrorCode::MiroirMultiAliasNotWritable,
            ]),
        Route::get(ALIAS, "aliasGet", "One alias", get)
            .returns_with(200, "The alias.", "Alias", &["ETag"])
            .refuses(&[ErrorCode::MiroirAliasNotFound]),
        Route::put(ALIAS, "aliasFlip", "Give an alias another target", flip)
            .headers(&["If-Match"])
            .body("AliasChange")
            .returns_with(200, "The alias as it is now.", "Alias", &["ETag"])
            .refuses(&[
                ErrorCode::MiroirAliasNotFound,
                ErrorCode::MiroirAliasConflict,
                ErrorCode::MiroirAliasVersionMismatch,
                ErrorCode::MiroirMultiAliasNotWritable,
            ]),
        Route::delete(ALIAS, "aliasDelete", "Remove an alias", delete)
            .returns_media(204, "It is gone.", vec![])
            .refuses(&[ErrorCode::MiroirAliasNotFound, ErrorCode::MiroirAliasConflict]),
    ];
    let shared = [ErrorCode::InvalidIndexUid, ErrorCode::MiroirStoreUnavailable];
    routes.map(|route| route.admin().refuses(&shared)).into()
}

async fn list(apis: Arc<Apis>, request: Request) -> Outcome {
    let after = request.query.get("after").map(|text| name(text, "Invalid value in parameter `after`: "));
    let limit = request.page_limit()?;
    Reply::json(StatusCode::OK, &apis.alias.alias_list(after.transpose()?, limit).await?)
}

async fn create(apis: Arc<Apis>, mut request: Request) -> Outcome {
    let new = NewAlias::from_json(request.json().await?)?;
    shown(StatusCode::CREATED, &apis.alias.alias_create(new).await?)
}

async fn get(apis: Arc<Apis>, request: Request) -> Outcome {
    shown(StatusCode::OK, &apis.alias.alias_get(request.index()?).await?)
}

async fn flip(apis: Arc<Apis>, mut request: Request) -> Outcome {
    let alias = request.index()?;
    // A flip never creates an alias, so `*` demands nothing more.
    let version = match IfMatch::of(&request.headers)? {
        IfMatch::Any | IfMatch::Exists => None,
        IfMatch::Version(version) => Some(version),
    };
    let change = AliasChange::from_json(request.json().await?)?;
    shown(StatusCode::OK, &apis.alias.alias_flip(alias, change, version).await?)
}

async fn swap(apis: Arc<Apis>, mut request: Request) -> Outcome {
    let fields = json::object(request.json().await?, &["aliases"])?;
    let pair = json::array(&fields, "aliases", ErrorCode::BadRequest)?.map(Vec::as_slice);
    let Some([first, second]) = pair else {
        let message = "Field `aliases` must be an array of the names of two aliases.";
        return Err(Failure::refused(ErrorCode::BadRequest, message));
    };
    let read = |position: usize, value: &Value| match value {
        Value::String(text) => name(text, &format!("Invalid value at `.aliases[{position}]`: ")),
        other => {
            let place = format!(".aliases[{position}]");
            Err(json::wrong_type(ErrorCode::BadRequest, &place, "a string", other))
        }
    };
    let swapped = apis.alias.alias_swap(read(0, first)?, read(1, second)?).await?;
    Reply::json(StatusCode::OK, &json!({ "results": swapped }))
}

async fn delete(apis: Arc<Apis>, request: Request) -> Outcome {
    apis.alias.alias_delete(request.index()?).await?;
    Ok(Reply::no_content())
}

fn shown(status: StatusCode, alias: &AliasView) -> Outcome {
    Ok(Reply::json(status, alias)?.with_version(alias.version))
}

fn name(text: &str, place: &str) -> Result<IndexUid, Failure> {
    parse_index(text)
        .map_err(|message| Failure::refused(ErrorCode::InvalidIndexUid, format!("{place}{message}")))
}
