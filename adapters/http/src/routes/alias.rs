//! `/_miroir/aliases`: names that stand for indexes.

use std::sync::Arc;

use http::{Method, StatusCode};
use miroir_domain::alias::{AliasChange, NewAlias};
use miroir_domain::error::ErrorCode;
use serde_json::Value;

use crate::Apis;
use crate::error::Failure;
use crate::if_match::IfMatch;
use crate::json;
use crate::reply::{Outcome, Reply};
use crate::request::{Request, index_uid};
use crate::route::Route;

const ALIASES: &str = "/_miroir/aliases";
const ALIAS: &str = "/_miroir/aliases/{name}";
const SWAP: &str = "/_miroir/aliases/_swap";

pub(super) fn routes() -> Vec<Route> {
    let routes = [
        Route::new(Method::GET, ALIASES, "aliasList", "Every alias, page by page", list)
            .query(&["aliases.after", "page.limit"])
            .returns(200, "In the order of their names.", "AliasList"),
        Route::new(Method::POST, ALIASES, "aliasCreate", "Create an alias", create)
            .body("NewAlias")
            .returns_with(201, "The alias.", "Alias", &["ETag"])
            .refuses(&[ErrorCode::MiroirAliasConflict]),
        Route::new(Method::POST, SWAP, "aliasSwap", "Exchange the targets of two aliases", swap)
            .body("AliasSwap")
            .returns(200, "Both, as they are now.", "AliasSwapped")
            .refuses(&[
                ErrorCode::MiroirAliasNotFound,
                ErrorCode::MiroirAliasConflict,
                ErrorCode::MiroirMultiAliasNotWritable,
            ]),
        Route::new(Method::GET, ALIAS, "aliasGet", "One alias", get)
            .returns_with(200, "The alias.", "Alias", &["ETag"])
            .refuses(&[ErrorCode::MiroirAliasNotFound]),
        Route::new(Method::PUT, ALIAS, "aliasFlip", "Give an alias another target", flip)
            .headers(&["If-Match"])
            .body("AliasChange")
            .returns_with(200, "The alias as it is now.", "Alias", &["ETag"])
            .refuses(&[
                ErrorCode::MiroirAliasNotFound,
                ErrorCode::MiroirAliasConflict,
                ErrorCode::MiroirAliasVersionMismatch,
                ErrorCode::MiroirMultiAliasNotWritable,
            ]),
        Route::new(Method::DELETE, ALIAS, "aliasDelete", "Remove an alias", delete)
            .returns_media(204, "It is gone.", vec![])
            .refuses(&[ErrorCode::MiroirAliasNotFound, ErrorCode::MiroirAliasConflict]),
    ];
    let shared = [ErrorCode::InvalidIndexUid, ErrorCode::MiroirStoreUnavailable];
    routes.map(|route| route.admin().refuses(&shared)).into()
}

async fn list(apis: Arc<Apis>, request: Request) -> Outcome {
    let after =
        request.query.get("after").map(|text| index_uid(text, "Invalid value in parameter `after`: "));
    let limit = request.page_limit()?;
    Reply::json(StatusCode::OK, &apis.alias.alias_list(after.transpose()?, limit).await?)
}

async fn create(apis: Arc<Apis>, mut request: Request) -> Outcome {
    let new = NewAlias::from_json(request.json().await?)?;
    let alias = apis.alias.alias_create(new).await?;
    Reply::versioned(StatusCode::CREATED, &alias, alias.version)
}

async fn get(apis: Arc<Apis>, request: Request) -> Outcome {
    let alias = apis.alias.alias_get(request.index()?).await?;
    Reply::versioned(StatusCode::OK, &alias, alias.version)
}

async fn flip(apis: Arc<Apis>, mut request: Request) -> Outcome {
    let alias = request.index()?;
    // A flip never creates an alias, so `*` demands nothing more.
    let version = match IfMatch::of(&request.headers)? {
        IfMatch::Any | IfMatch::Exists => None,
        IfMatch::Version(version) => Some(version),
    };
    let change = AliasChange::from_json(request.json().await?)?;
    let alias = apis.alias.alias_flip(alias, change, version).await?;
    Reply::versioned(StatusCode::OK, &alias, alias.version)
}

async fn swap(apis: Arc<Apis>, mut request: Request) -> Outcome {
    let fields = json::object(request.json().await?, &["aliases"])?;
    let pair = json::array(&fields, "aliases", ErrorCode::BadRequest)?.map(Vec::as_slice);
    let Some([first, second]) = pair else {
        let message = "Field `aliases` must be an array of the names of two aliases.";
        return Err(Failure::refused(ErrorCode::BadRequest, message));
    };
    let read = |position: usize, value: &Value| match value {
        Value::String(text) => index_uid(text, &format!("Invalid value at `.aliases[{position}]`: ")),
        other => {
            let place = format!(".aliases[{position}]");
            Err(json::wrong_type(ErrorCode::BadRequest, &place, "a string", other))
        }
    };
    let swapped = apis.alias.alias_swap(read(0, first)?, read(1, second)?).await?;
    Reply::results(&swapped)
}

async fn delete(apis: Arc<Apis>, request: Request) -> Outcome {
    apis.alias.alias_delete(request.index()?).await?;
    Ok(Reply::no_content())
}
