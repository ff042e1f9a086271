//! The error responses of an operation: its codes, each under the status that [`status_of`] gives it.

use std::collections::{BTreeMap, BTreeSet};

use miroir_domain::error::ErrorCode;
use miroir_domain::wording;
use serde_json::{Map, Value, json};

use crate::content::JSON;
use crate::error::status_of;

/// The code of statuses that are not the status of their code.
const OWN_STATUS: ErrorCode = ErrorCode::BadRequest;

/// Error responses that many operations share: name, status and codes of each.
const SHARED: [(&str, u16, &[ErrorCode]); 17] = [
    ("KeyMissing", 401, &[ErrorCode::MissingAuthorizationHeader]),
    ("AdminKeyInvalid", 401, &[ErrorCode::MiroirInvalidAuth]),
    ("KeyInvalid", 403, &[ErrorCode::InvalidApiKey]),
    ("IndexNotFound", 404, &[ErrorCode::IndexNotFound]),
    ("BodyTooSlow", 408, &[OWN_STATUS]),
    ("MultiAliasNotWritable", 409, &[ErrorCode::MiroirMultiAliasNotWritable]),
    ("AliasConflict", 409, &[ErrorCode::MiroirAliasConflict]),
    ("BodyTooLarge", 413, &[ErrorCode::PayloadTooLarge]),
    ("ContentTypeInvalid", 415, &[ErrorCode::InvalidContentType, ErrorCode::MissingContentType]),
    ("HeadersTooLarge", 431, &[OWN_STATUS]),
    ("InternalError", 500, &[ErrorCode::Internal]),
    ("NotSupported", 501, &[ErrorCode::MiroirNotSupported]),
    ("Overloaded", 503, &[ErrorCode::MiroirOverloaded]),
    (
        "ReadUnavailable",
        503,
        &[
            ErrorCode::MiroirNodeUnavailable,
            ErrorCode::MiroirOverloaded,
            ErrorCode::MiroirShardUnavailable,
            ErrorCode::MiroirStoreUnavailable,
        ],
    ),
    (
        "WriteUnavailable",
        503,
        &[
            ErrorCode::MiroirNoLeader,
            ErrorCode::MiroirNoQuorum,
            ErrorCode::MiroirNodeUnavailable,
            ErrorCode::MiroirOverloaded,
            ErrorCode::MiroirStoreUnavailable,
        ],
    ),
    (
        "ChangeUnavailable",
        503,
        &[ErrorCode::MiroirNoLeader, ErrorCode::MiroirOverloaded, ErrorCode::MiroirStoreUnavailable],
    ),
    ("Timeout", 504, &[ErrorCode::MiroirTimeout]),
];

/// Returns the shared responses, for `components`.
pub(super) fn shared() -> Value {
    let shared = |(name, status, codes): &(&str, u16, &[ErrorCode])| {
        ((*name).to_owned(), response(*status, &words(codes), None))
    };
    SHARED.iter().map(shared).collect::<Map<_, _>>().into()
}

fn words(codes: &[ErrorCode]) -> BTreeSet<&'static str> {
    codes.iter().map(|code| code.as_str()).collect()
}

/// Returns an error response. If the operation declares a response of the same status, both are possible.
fn response(status: u16, codes: &BTreeSet<&'static str>, declared: Option<&Value>) -> Value {
    let error = json!({ "$ref": "#/components/schemas/Error" });
    let mut headers = json!({ "X-Request-Id": { "$ref": "#/components/headers/X-Request-Id" } });
    if status == 503 {
        headers["Retry-After"] = json!({ "$ref": "#/components/headers/Retry-After" });
    }
    let known = wording::list(codes.iter().copied());
    let (description, schema) = match declared {
        None => (format!("{known}."), error),
        Some(declared) => {
            let described = declared["description"].as_str().unwrap_or_default();
            let schema = json!({ "anyOf": [declared["content"][JSON]["schema"], error] });
            (format!("{described} Or {known}."), schema)
        }
    };
    json!({
        "description": description,
        "headers": headers,
        "content": { JSON: { "schema": schema } },
        "x-error-codes": codes,
    })
}

/// Codes by their status.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusals(BTreeMap<u16, BTreeSet<&'static str>>);

impl Refusals {
    /// Adds codes, each under its status.
    pub(super) fn add(&mut self, codes: &[ErrorCode]) {
        for code in codes {
            self.0.entry(status_of(*code).as_u16()).or_default().insert(code.as_str());
        }
    }

    /// Adds statuses that are not the status of their code: 431 for large headers, 408 for a slow body.
    pub(super) fn add_own_statuses(&mut self, statuses: &[u16]) {
        for status in statuses {
            self.0.entry(*status).or_default().insert(OWN_STATUS.as_str());
        }
    }

    /// Adds the error responses to the others.
    pub(super) fn describe(&self, responses: &mut Map<String, Value>) {
        for (status, codes) in &self.0 {
            let declared = responses.get(&status.to_string());
            let shared = SHARED.iter().find(|(_, shared, those)| shared == status && words(those) == *codes);
            let response = match (declared, shared) {
                (None, Some((name, ..))) => json!({ "$ref": format!("#/components/responses/{name}") }),
                _ => response(*status, codes, declared),
            };
            responses.insert(status.to_string(), response);
        }
        sort_by_status(responses);
    }
}

fn sort_by_status(responses: &mut Map<String, Value>) {
    let mut sorted: Vec<(String, Value)> = std::mem::take(responses).into_iter().collect();
    sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
    responses.extend(sorted);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describe_groups_codes_by_status_and_keeps_declared_responses() {
        let mut refusals = Refusals::default();
        refusals.add(&[ErrorCode::MiroirTimeout, ErrorCode::MiroirOverloaded, ErrorCode::IndexNotFound]);
        refusals.add_own_statuses(&[431]);
        let mut responses = Map::from_iter([(
            "503".to_owned(),
            json!({ "description": "Not ready.", "content": { JSON: { "schema": { "type": "object" } } } }),
        )]);
        refusals.describe(&mut responses);
        assert_eq!(responses.keys().collect::<Vec<_>>(), ["404", "431", "503", "504"]);
        assert_eq!(responses["404"], json!({ "$ref": "#/components/responses/IndexNotFound" }));
        assert_eq!(shared()["IndexNotFound"]["x-error-codes"], json!(["index_not_found"]));
        assert_eq!(responses["503"]["description"], "Not ready. Or `miroir_overloaded`.");
        assert_eq!(responses["503"]["content"][JSON]["schema"]["anyOf"][0], json!({ "type": "object" }));
        assert!(responses["503"]["headers"].get("Retry-After").is_some());
    }
}
