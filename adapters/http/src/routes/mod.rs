//! The routes, room by room. A handler parses, calls one port, replies.

mod alias;
mod canary;
mod change;
mod cluster;
mod document;
mod document_query;
mod index;
mod instance;
mod job;
mod multi_search;
mod search;
mod settings;
mod task;
mod unsupported;

pub(crate) use unsupported::UNSUPPORTED;

use crate::route::Route;

/// Every route there is.
pub(crate) fn all() -> Vec<Route> {
    let rooms = [
        cluster::routes(),
        instance::routes(),
        index::routes(),
        document::routes(),
        settings::routes(),
        search::routes(),
        task::routes(),
        alias::routes(),
        multi_search::routes(),
        canary::routes(),
        change::routes(),
        job::routes(),
        unsupported::routes(),
    ];
    rooms.into_iter().flatten().collect()
}
