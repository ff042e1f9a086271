//! The routes. A handler parses the request, calls one port and builds the response.
//!
//! Each module declares its routes beside their handlers. To add a route:
//!
//! 1. Declare it in the module of its subject: method, path, key, query parameters, headers, body, responses,
//!    errors.
//! 2. Describe new shapes in `openapi/schema/`, and new parameters in `openapi/parameter.json`.
//! 3. Run `make fix`, which writes `docs/openapi.json`.

mod alias;
mod canary;
mod change;
mod cluster;
mod document;
mod document_query;
mod documentation;
mod index;
mod instance;
mod job;
mod multi_search;
mod search;
mod settings;
mod task;
mod unsupported;

use crate::route::Route;
use crate::tag::Tag;

/// Returns every route, each in the group of its module.
pub(crate) fn all() -> Vec<Route> {
    let modules = [
        (Tag::Cluster, cluster::routes()),
        (Tag::Cluster, documentation::routes()),
        (Tag::Instances, instance::routes()),
        (Tag::Indexes, index::routes()),
        (Tag::Documents, document::routes()),
        (Tag::Settings, settings::routes()),
        (Tag::Search, search::routes()),
        (Tag::Search, multi_search::routes()),
        (Tag::Tasks, task::routes()),
        (Tag::Aliases, alias::routes()),
        (Tag::Canaries, canary::routes()),
        (Tag::Changes, change::routes()),
        (Tag::Jobs, job::routes()),
        (Tag::Unsupported, unsupported::routes()),
    ];
    modules
        .into_iter()
        .flat_map(|(tag, routes)| routes.into_iter().map(move |route| route.tag(tag)))
        .collect()
}
