//! Routes of settings: the whole object and one route for each setting.

use serde_json::{Map, Value};

use super::handler::Handler;
use super::response::{Response, accept_in};
use crate::settings::{SUB_ROUTES, check, check_one, full_reset};
use crate::task::Work;

/// Returns the handler of the route below `/indexes/{uid}/settings`.
pub(super) fn find<'r>(method: &str, uid: &'r str, rest: &'r [&'r str]) -> Option<Handler<'r>> {
    let segment = match rest {
        [] => return whole(method, uid),
        [segment] => *segment,
        _ => return None,
    };
    let route = SUB_ROUTES.iter().find(|route| route.segment == segment)?;
    let key = route.key;
    Some(match method {
        "GET" => Box::new(move |shared, _| Ok(Response::ok(&shared.state().index(uid)?.settings.shown(key)))),
        "DELETE" => Box::new(move |shared, request| {
            let change = Map::from_iter([(key.to_owned(), Value::Null)]);
            accept_in(shared, request, uid, Work::UpdateSettings { change, is_deletion: true })
        }),
        method if method == route.method => Box::new(move |shared, request| {
            let change = check_one(key, &request.json()?)?;
            accept_in(shared, request, uid, Work::UpdateSettings { change, is_deletion: false })
        }),
        _ => return None,
    })
}

fn whole<'r>(method: &str, uid: &'r str) -> Option<Handler<'r>> {
    Some(match method {
        "GET" => Box::new(move |shared, _| Ok(Response::ok(&shared.state().index(uid)?.settings.view()))),
        "PATCH" => Box::new(move |shared, request| {
            let change = check(&request.json()?)?;
            accept_in(shared, request, uid, Work::UpdateSettings { change, is_deletion: false })
        }),
        "DELETE" => Box::new(move |shared, request| {
            let change = full_reset();
            accept_in(shared, request, uid, Work::UpdateSettings { change, is_deletion: true })
        }),
        _ => return None,
    })
}
