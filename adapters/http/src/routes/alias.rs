//! `/_miroir/aliases`: names that refer to indexes.

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
        Route::new(Method::GET, ALIASES, "aliasList", "List aliases", list)
            .query(&["aliases.after", "page.limit"])
            .returns(200, "Aliases, ordered by name.", "AliasList"),
        Route::new(Method::POST, ALIASES, "aliasCreate", "Create an alias", create)
            .body("NewAlias")
            .returns_with(201, "The alias.", "Alias", &["ETag"])
            .refuses(&[ErrorCode::MiroirAliasConflict]),
        Route::new(Method::POST, SWAP, "aliasSwap", "Swap the targets of two aliases", swap)
            .body("AliasSwap")
            .returns(200, "Both aliases after the swap.", "AliasSwapResult")
            .refuses(&[
                ErrorCode::MiroirAliasNotFound,
                ErrorCode::MiroirAliasConflict,
                ErrorCode::MiroirMultiAliasNotWritable,
            ]),
        Route::new(Method::GET, ALIAS, "aliasGet", "Get an alias", get)
            .returns_with(200, "The alias.", "Alias", &["ETag"])
            .refuses(&[ErrorCode::MiroirAliasNotFound]),
        Route::new(Method::PUT, ALIAS, "aliasFlip", "Change the target of an alias", flip)
            .headers(&["If-Match"])
            .body("AliasChange")
            .returns_with(200, "The alias after the change.", "Alias", &["ETag"])
            .refuses(&[
                ErrorCode::MiroirAliasNotFound,
                ErrorCode::MiroirAliasConflict,
                ErrorCode::MiroirAliasVersionMismatch,
                ErrorCode::MiroirMultiAliasNotWritable,
            ]),
        Route::new(Method::DELETE, ALIAS, "aliasDelete", "Delete an alias", delete)
            .returns_media(204, "The alias is deleted.", vec![])
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
    // A flip never creates an alias, so `*` adds no condition.
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
            let location = format!(".aliases[{position}]");
            Err(json::wrong_type(ErrorCode::BadRequest, &location, "a string", other))
        }
    };
    let swapped = apis.alias.alias_swap(read(0, first)?, read(1, second)?).await?;
    Reply::results(&swapped)
}

async fn delete(apis: Arc<Apis>, request: Request) -> Outcome {
    apis.alias.alias_delete(request.index()?).await?;
    Ok(Reply::no_content())
}
