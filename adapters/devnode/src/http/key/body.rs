//! The bodies of requests that create and change keys. Their fields are checked in the order of the body.

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::action::{ACTIONS, first_beyond_indexes};
use super::expiry;
use crate::error::ApiError;
use crate::http::response::is_index_uid;
use crate::json::{unknown_field, unknown_value, wrong_type};
use crate::key::{KeyChange, NewKey, TextField, random_uid};

const FIELDS: [&str; 6] = ["description", "name", "uid", "actions", "indexes", "expiresAt"];
const CHANGEABLE: [&str; 2] = ["description", "name"];

/// The fields of a body that were read.
#[derive(Default)]
struct Given {
    change: KeyChange,
    uid: Option<Uuid>,
    actions: Option<Vec<String>>,
    indexes: Option<Vec<String>>,
    expires_at: TextField,
}

/// Reads the body of `POST /keys`.
pub(super) fn new_key(body: &Value, now: Timestamp) -> Result<NewKey, ApiError> {
    let mut given = Given::default();
    for (name, value) in object(body)? {
        match name.as_str() {
            "uid" => given.uid = Some(uid(value)?),
            "actions" => given.actions = Some(texts(value, ".actions", "invalid_api_key_actions", action)?),
            "indexes" => given.indexes = Some(texts(value, ".indexes", "invalid_api_key_indexes", pattern)?),
            "expiresAt" => given.expires_at = TextField::Given(expires_at(value, now)?),
            _ if read_change(&mut given.change, name, value)? => {}
            _ => return Err(unknown_field(name, "", &FIELDS, "bad_request")),
        }
    }
    let actions = given.actions.ok_or_else(|| missing("actions", "missing_api_key_actions"))?;
    let indexes = given.indexes.ok_or_else(|| missing("indexes", "missing_api_key_indexes"))?;
    let TextField::Given(expires_at) = given.expires_at else {
        return Err(missing("expiresAt", "missing_api_key_expires_at"));
    };
    if let Some(action) = first_beyond_indexes(&actions, &indexes) {
        return Err(global_action(action));
    }
    Ok(NewKey {
        actions,
        indexes,
        expires_at,
        uid: given.uid.unwrap_or_else(random_uid),
        name: given.change.name.text(),
        description: given.change.description.text(),
    })
}

/// Reads the body of `PATCH /keys/{uid or key}`.
pub(super) fn change(body: &Value) -> Result<KeyChange, ApiError> {
    let mut change = KeyChange::default();
    for (name, value) in object(body)? {
        let immutable = match name.as_str() {
            "uid" => "immutable_api_key_uid",
            "actions" => "immutable_api_key_actions",
            "indexes" => "immutable_api_key_indexes",
            "expiresAt" => "immutable_api_key_expires_at",
            "createdAt" => "immutable_api_key_created_at",
            "updatedAt" => "immutable_api_key_updated_at",
            _ if read_change(&mut change, name, value)? => continue,
            _ => return Err(unknown_field(name, "", &CHANGEABLE, "bad_request")),
        };
        let message = format!("Immutable field `{name}`: expected one of `description`, `name`");
        return Err(ApiError::invalid(immutable, message));
    }
    Ok(change)
}

fn object(body: &Value) -> Result<&Map<String, Value>, ApiError> {
    body.as_object().ok_or_else(|| wrong_type("", "an object", body, "bad_request"))
}

/// Reads a field that can be changed. Returns whether the field is one.
fn read_change(change: &mut KeyChange, name: &str, value: &Value) -> Result<bool, ApiError> {
    let (field, path, code) = match name {
        "name" => (&mut change.name, ".name", "invalid_api_key_name"),
        "description" => (&mut change.description, ".description", "invalid_api_key_description"),
        _ => return Ok(false),
    };
    *field = TextField::Given(optional_text(value, path, code)?);
    Ok(true)
}

fn missing(name: &str, code: &str) -> ApiError {
    ApiError::invalid(code, format!("Missing field `{name}`"))
}

fn global_action(action: &str) -> ApiError {
    let hint = format!(
        "remove action `\"{action}\"` from the action list, or remove `indexes` to make the key global"
    );
    let message =
        format!("cannot create index-scoped API key with global action `\"{action}\"`\n  - Hint: {hint}");
    ApiError::invalid("index_scoped_api_key_with_global_action", message)
}

fn text<'v>(value: &'v Value, path: &str, code: &str) -> Result<&'v str, ApiError> {
    value.as_str().ok_or_else(|| wrong_type(path, "a string", value, code))
}

fn optional_text(value: &Value, path: &str, code: &str) -> Result<Option<String>, ApiError> {
    if value.is_null() { Ok(None) } else { text(value, path, code).map(|text| Some(text.to_owned())) }
}

/// Reads a list of texts, each of which must pass a check that gets its path and the code of errors.
fn texts(
    value: &Value,
    path: &str,
    code: &str,
    check: impl Fn(&str, &str, &str) -> Result<(), ApiError>,
) -> Result<Vec<String>, ApiError> {
    let items = value.as_array().ok_or_else(|| wrong_type(path, "an array", value, code))?;
    let read = |(position, item): (usize, &Value)| {
        let path = format!("{path}[{position}]");
        let item = text(item, &path, code)?;
        check(item, &path, code).map(|()| item.to_owned())
    };
    items.iter().enumerate().map(read).collect()
}

fn action(action: &str, path: &str, code: &str) -> Result<(), ApiError> {
    if ACTIONS.contains(&action) { Ok(()) } else { Err(unknown_value(path, action, &ACTIONS, code)) }
}

/// Checks an index uid that may end with a star, which the message of an error leaves out.
fn pattern(pattern: &str, path: &str, code: &str) -> Result<(), ApiError> {
    let uid = pattern.strip_suffix('*').unwrap_or(pattern);
    if pattern == "*" || is_index_uid(uid) {
        return Ok(());
    }
    let rule = "Index uid patterns can be an integer or a string containing only alphanumeric characters, hyphens (-), \
                underscores (_), and optionally end with a star (*).";
    let message = format!("Invalid value at `{path}`: `{uid}` is not a valid index uid pattern. {rule}");
    Err(ApiError::invalid(code, message))
}

fn uid(value: &Value) -> Result<Uuid, ApiError> {
    const CODE: &str = "invalid_api_key_uid";
    let invalid = |error| ApiError::invalid(CODE, format!("Invalid value at `.uid`: {error}"));
    Uuid::parse_str(text(value, ".uid", CODE)?).map_err(invalid)
}

fn expires_at(value: &Value, now: Timestamp) -> Result<Option<String>, ApiError> {
    const CODE: &str = "invalid_api_key_expires_at";
    let Some(text) = optional_text(value, ".expiresAt", CODE)? else { return Ok(None) };
    expiry::read(&text, now).map(Some).ok_or_else(|| {
        let rule = "It should follow the RFC 3339 format to represents a date or datetime in the future or specified \
                    as a null value. e.g. 'YYYY-MM-DD' or 'YYYY-MM-DD HH:MM:SS'.\n";
        ApiError::invalid(CODE, format!("Invalid value at `.expiresAt`: `{text}` is not a valid date. {rule}"))
    })
}
