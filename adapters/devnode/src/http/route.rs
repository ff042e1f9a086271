//! Which path and method mean what, who may ask, and answers.

use serde_json::{Value, json};

use super::error::ApiError;
use super::request::Request;
use super::{document, index, search, settings, task};
use crate::node::Shared;
use crate::task::Work;

/// An answer: a status and a JSON body, or none.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Option<String>,
}

impl Answer {
    /// Status 200.
    pub(crate) fn ok(body: &impl serde::Serialize) -> Self {
        Self::json(200, body)
    }

    /// A JSON answer.
    pub(crate) fn json(status: u16, body: &impl serde::Serialize) -> Self {
        match serde_json::to_string(body) {
            Ok(body) => Self { status, body: Some(body) },
            Err(error) => ApiError::with_status(500, "internal", error.to_string()).into(),
        }
    }

    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, body: None }
    }

    /// The answer as warp sends it.
    pub(crate) fn into_response(self) -> warp::reply::Response {
        let has_body = self.body.is_some();
        let mut response = warp::reply::Response::new(self.body.unwrap_or_default().into());
        *response.status_mut() =
            http::StatusCode::from_u16(self.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        if has_body {
            let json = http::HeaderValue::from_static("application/json");
            response.headers_mut().insert(http::header::CONTENT_TYPE, json);
        }
        if self.status == 503 {
            response.headers_mut().insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("10"));
        }
        response
    }
}

impl From<ApiError> for Answer {
    fn from(error: ApiError) -> Self {
        Self { status: error.status, body: Some(error.body().to_string()) }
    }
}

/// What a route hands back.
pub(crate) type Answered = Result<Answer, ApiError>;

/// A route that was found: it runs once the key is checked.
type Handler<'r> = Box<dyn Fn(&Shared, &Request) -> Answered + 'r>;

/// Answers a request.
pub(crate) fn answer(shared: &Shared, request: &Request) -> Answer {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let handler = match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["health"]) => return Answer::ok(&json!({ "status": "available" })),
        (method, segments) => find(method, segments),
    };
    match handler {
        Some(handler) => {
            authorize(shared, request).and_then(|()| handler(shared, request)).unwrap_or_else(Answer::from)
        }
        None if METHODS.iter().any(|method| find(method, &segments).is_some()) || segments == ["health"] => {
            Answer::empty(405)
        }
        None => Answer::empty(404),
    }
}

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

fn find<'r>(method: &str, segments: &'r [&'r str]) -> Option<Handler<'r>> {
    Some(match (method, segments) {
        ("GET", ["version"]) => Box::new(|_, _| {
            let version = json!({ "commitSha": "unknown", "commitDate": "unknown", "pkgVersion": "1.50.0" });
            Ok(Answer::ok(&version))
        }),
        ("GET", ["stats"]) => Box::new(|shared, _| Ok(index::all_stats(shared))),
        ("GET", ["indexes"]) => Box::new(index::list),
        ("POST", ["indexes"]) => Box::new(index::create),
        ("GET", ["tasks"]) => Box::new(task::list),
        ("DELETE", ["tasks"]) => Box::new(task::delete),
        ("POST", ["tasks", "cancel"]) => Box::new(task::cancel),
        ("GET", ["tasks", uid]) => Box::new(move |shared, _| task::get(shared, uid)),
        (method, ["indexes", uid, rest @ ..]) => {
            let handler = find_in_index(method, uid, rest)?;
            Box::new(move |shared, request| {
                check_index_uid(uid, "")?;
                handler(shared, request)
            })
        }
        _ => return None,
    })
}

fn find_in_index<'r>(method: &str, uid: &'r str, rest: &'r [&'r str]) -> Option<Handler<'r>> {
    Some(match (method, rest) {
        ("GET", []) => Box::new(move |shared, _| index::get(shared, uid)),
        ("PATCH", []) => Box::new(move |shared, request| index::update(shared, request, uid)),
        ("DELETE", []) => {
            Box::new(move |shared, request| accept(shared, request, Some(uid), Work::DeleteIndex, 202))
        }
        ("GET", ["stats"]) => Box::new(move |shared, _| index::stats(shared, uid)),
        ("GET", ["search"]) => Box::new(move |shared, request| search::get(shared, request, uid)),
        ("POST", ["search"]) => Box::new(move |shared, request| search::post(shared, request, uid)),
        ("POST", ["documents"]) => Box::new(move |shared, request| document::add(shared, request, uid, true)),
        ("PUT", ["documents"]) => Box::new(move |shared, request| document::add(shared, request, uid, false)),
        ("GET", ["documents"]) => Box::new(move |shared, request| document::list(shared, request, uid)),
        ("DELETE", ["documents"]) => Box::new(move |shared, request| document::clear(shared, request, uid)),
        ("POST", ["documents", "fetch"]) => {
            Box::new(move |shared, request| document::fetch(shared, request, uid))
        }
        ("POST", ["documents", "delete"]) => {
            Box::new(move |shared, request| document::delete_by_filter(shared, request, uid))
        }
        ("POST", ["documents", "delete-batch"]) => {
            Box::new(move |shared, request| document::delete_batch(shared, request, uid))
        }
        ("GET", ["documents", id]) => {
            let id = *id;
            Box::new(move |shared, request| document::get(shared, request, uid, id))
        }
        ("DELETE", ["documents", id]) => {
            let id = *id;
            Box::new(move |shared, request| document::delete(shared, request, uid, id))
        }
        (method, ["settings", rest @ ..]) => return settings::find(method, uid, rest),
        _ => return None,
    })
}

fn authorize(shared: &Shared, request: &Request) -> Result<(), ApiError> {
    let Some(master_key) = &shared.options.master_key else { return Ok(()) };
    let Some(header) = request.header("authorization") else {
        let message = "The Authorization header is missing. It must use the bearer authorization method.";
        return Err(ApiError::with_status(401, "missing_authorization_header", message));
    };
    if header.strip_prefix("Bearer ") == Some(master_key) {
        return Ok(());
    }
    Err(ApiError::with_status(403, "invalid_api_key", "The provided API key is invalid."))
}

/// Refuses text that is no index uid; `place` names where it stood, with a colon and a space.
pub(crate) fn check_index_uid(uid: &str, place: &str) -> Result<(), ApiError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !uid.is_empty() && uid.len() <= 400 && uid.bytes().all(allowed) {
        return Ok(());
    }
    let rule = "Index uid can be an integer or a string containing only alphanumeric characters, hyphens (-) and \
                underscores (_), and can not be more than 512 bytes.";
    Err(ApiError::invalid("invalid_index_uid", format!("{place}`{uid}` is not a valid index uid. {rule}")))
}

/// Accepts work as a task.
pub(crate) fn accept(
    shared: &Shared,
    request: &Request,
    index: Option<&str>,
    work: Work,
    status: u16,
) -> Answered {
    let wanted = match request.header("taskid").filter(|_| shared.options.replication_parameters) {
        None => None,
        Some(text) => Some(text.trim().parse::<u32>().map_err(|error| {
            ApiError::invalid("bad_request", format!("Could not parse task id: {error}"))
        })?),
    };
    let metadata = request.query.get("customMetadata").map(str::to_owned);
    let summary = shared.state().enqueue(index, work, metadata, wanted)?.summary();
    shared.work_arrived.notify_one();
    Ok(Answer::json(status, &summary))
}

/// Accepts work as a task on an index.
pub(crate) fn accept_in(shared: &Shared, request: &Request, index: &str, work: Work) -> Answered {
    accept(shared, request, Some(index), work, 202)
}

/// A page of something, as lists of indexes and documents are answered.
pub(crate) fn page(results: &[Value], offset: usize, limit: usize, total: usize) -> Answer {
    Answer::ok(&json!({ "results": results, "offset": offset, "limit": limit, "total": total }))
}
