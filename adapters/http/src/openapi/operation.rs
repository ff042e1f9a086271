//! One operation of the document, made from the declaration of a route.

use miroir_domain::error::ErrorCode;
use serde_json::{Map, Value, json};

use super::refusal::Refusals;
use crate::content::{CSV, JSON, NDJSON};
use crate::description::{DescribedResponse, RequestBody, Schema};
use crate::query_rule::QueryRule;
use crate::route::{Access, Route, ServedBy};
use crate::tag::Tag;

/// Returns the operation of `route` as the document has it.
pub(super) fn operation(route: &Route) -> Value {
    let description = &route.description;
    let mut json = json!({
        "operationId": description.id,
        "summary": description.summary,
        "tags": description.tag.map(Tag::name).into_iter().collect::<Vec<_>>(),
    });
    if let Some(text) = description.text {
        json["description"] = text.into();
    }
    json["security"] = security(route.access);
    let parameters = parameters(route);
    if !parameters.is_empty() {
        json["parameters"] = parameters.into();
    }
    if let Some(body) = &description.body {
        json["requestBody"] = json!({ "required": true, "content": body_content(body) });
    }
    let mut responses: Map<String, Value> = description
        .responses
        .iter()
        .map(|described| (described.status.to_string(), response(described)))
        .collect();
    refusals(route).describe(&mut responses);
    json["responses"] = responses.into();
    json
}

/// Returns a reference to a shared part.
fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

fn security(access: Access) -> Value {
    match access {
        Access::Open => json!([]),
        Access::Client => json!([{ "masterKey": [] }]),
        Access::Admin => json!([{ "adminKey": [] }, { "adminKeyHeader": [] }]),
    }
}

/// Returns references to the parameters of path, query and headers, in this order.
fn parameters(route: &Route) -> Vec<Value> {
    let path = route.template.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let query = route.query.parameters().iter().copied();
    let headers = route.description.headers.iter().copied();
    path.chain(query).chain(headers).map(|name| reference("parameters", name)).collect()
}

fn body_content(body: &RequestBody) -> Value {
    match body {
        RequestBody::Json(schema) => json!({ JSON: { "schema": reference("schemas", schema) } }),
        RequestBody::Documents => json!({
            JSON: { "schema": reference("schemas", "Documents") },
            NDJSON: { "schema": { "type": "string" }, "example": "{\"id\":1,\"title\":\"Metropolis\"}\n" },
            CSV: { "schema": { "type": "string" }, "example": "id,title,year:number\n1,Metropolis,1927\n" },
        }),
    }
}

fn response(described: &DescribedResponse) -> Value {
    let names = std::iter::once("X-Request-Id").chain(described.headers.iter().copied());
    let headers: Map<String, Value> =
        names.map(|name| (name.to_owned(), reference("headers", name))).collect();
    let mut json = json!({ "description": described.description, "headers": headers });
    let content = described.content.iter().map(|(media, schema)| {
        let schema = match schema {
            Schema::Named(name) => reference("schemas", name),
            Schema::Text => json!({ "type": "string" }),
        };
        ((*media).to_owned(), json!({ "schema": schema }))
    });
    let content: Map<String, Value> = content.collect();
    if !content.is_empty() {
        json["content"] = content.into();
    }
    json
}

/// Returns the errors of a route: those it declares, and those that follow from the rest of its declaration.
fn refusals(route: &Route) -> Refusals {
    let description = &route.description;
    let mut refusals = Refusals::default();
    refusals.add_own_statuses(&[431]);
    refusals.add(&[ErrorCode::Internal, ErrorCode::MiroirTimeout]);
    refusals.add(&description.errors);
    if !matches!(route.query, QueryRule::Ignored) || !description.headers.is_empty() {
        refusals.add(&[ErrorCode::BadRequest]);
    }
    if route.supported && route.template.contains("{index_uid}") {
        refusals.add(&[ErrorCode::InvalidIndexUid]);
    }
    if description.body.is_some() {
        refusals.add_own_statuses(&[408]);
        refusals.add(&[
            ErrorCode::BadRequest,
            ErrorCode::MissingPayload,
            ErrorCode::MalformedPayload,
            ErrorCode::PayloadTooLarge,
            ErrorCode::MissingContentType,
            ErrorCode::InvalidContentType,
        ]);
    }
    if matches!(route.served_by, ServedBy::RoleHolder(_)) {
        refusals.add(&[ErrorCode::MiroirNoLeader, ErrorCode::MiroirStoreUnavailable]);
    }
    match route.access {
        Access::Open => {}
        Access::Client => refusals.add(&[
            ErrorCode::MissingAuthorizationHeader,
            ErrorCode::InvalidApiKey,
            ErrorCode::MiroirOverloaded,
        ]),
        Access::Admin => refusals.add(&[ErrorCode::MiroirInvalidAuth, ErrorCode::MiroirOverloaded]),
    }
    refusals
}
