//! The error answers of an operation: the codes it gives, under the statuses that [`crate::error`] gives them.

use std::collections::{BTreeMap, BTreeSet};

use miroir_domain::error::ErrorCode;
use miroir_domain::wording;
use serde_json::{Map, Value, json};

use crate::content::JSON;
use crate::error::status_of;

/// Statuses that say more than their code, which is always the same.
const OWN_STATUS: ErrorCode = ErrorCode::BadRequest;

/// Error answers that many operations have in common, by the name under which they are shared: their status and codes.
const SHARED: [(&str, u16, &[ErrorCode]); 17] = [
    ("KeyMissing", 401, &[ErrorCode::MissingAuthorizationHeader]),
    ("AdminKeyWrong", 401, &[ErrorCode::MiroirInvalidAuth]),
    ("KeyWrong", 403, &[ErrorCode::InvalidApiKey]),
    ("IndexUnknown", 404, &[ErrorCode::IndexNotFound]),
    ("BodyTooSlow", 408, &[OWN_STATUS]),
    ("AliasOfSeveral", 409, &[ErrorCode::MiroirMultiAliasNotWritable]),
    ("AliasNotForThis", 409, &[ErrorCode::MiroirAliasConflict]),
    ("BodyTooLarge", 413, &[ErrorCode::PayloadTooLarge]),
    ("ContentTypeWrong", 415, &[ErrorCode::InvalidContentType, ErrorCode::MissingContentType]),
    ("HeadersTooLarge", 431, &[OWN_STATUS]),
    ("Bug", 500, &[ErrorCode::Internal]),
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
    ("TooLate", 504, &[ErrorCode::MiroirTimeout]),
];

/// The shared answers, for `components`.
pub(super) fn shared() -> Value {
    let answer = |(name, status, codes): &(&str, u16, &[ErrorCode])| {
        ((*name).to_owned(), answer(*status, &words(codes), None))
    };
    SHARED.iter().map(answer).collect::<Map<_, _>>().into()
}

fn words(codes: &[ErrorCode]) -> BTreeSet<&'static str> {
    codes.iter().map(|code| code.as_str()).collect()
}

/// An error answer; where the status has an answer of its own already, either may come.
fn answer(status: u16, codes: &BTreeSet<&'static str>, own: Option<&Value>) -> Value {
    let error = json!({ "$ref": "#/components/schemas/Error" });
    let mut headers = json!({ "X-Request-Id": { "$ref": "#/components/headers/X-Request-Id" } });
    if status == 503 {
        headers["Retry-After"] = json!({ "$ref": "#/components/headers/Retry-After" });
    }
    let known = wording::list(codes.iter().copied());
    let (description, schema) = match own {
        None => (format!("{known}."), error),
        Some(own) => {
            let described = own["description"].as_str().unwrap_or_default();
            let schema = json!({ "anyOf": [own["content"][JSON]["schema"], error] });
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
    /// Adds codes under the status each has.
    pub(super) fn add(&mut self, codes: &[ErrorCode]) {
        for code in codes {
            self.0.entry(status_of(*code).as_u16()).or_default().insert(code.as_str());
        }
    }

    /// Adds statuses that say more than their code: headers that are too large, a body that does not come.
    pub(super) fn add_own_statuses(&mut self, statuses: &[u16]) {
        for status in statuses {
            self.0.entry(*status).or_default().insert(OWN_STATUS.as_str());
        }
    }

    /// Puts the error answers beside the others.
    pub(super) fn describe(&self, answers: &mut Map<String, Value>) {
        for (status, codes) in &self.0 {
            let own = answers.get(&status.to_string());
            let shared = SHARED.iter().find(|(_, shared, those)| shared == status && words(those) == *codes);
            let answer = match (own, shared) {
                (None, Some((name, ..))) => json!({ "$ref": format!("#/components/responses/{name}") }),
                _ => answer(*status, codes, own),
            };
            answers.insert(status.to_string(), answer);
        }
        sort_by_status(answers);
    }
}

fn sort_by_status(answers: &mut Map<String, Value>) {
    let mut sorted: Vec<(String, Value)> = std::mem::take(answers).into_iter().collect();
    sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
    answers.extend(sorted);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_under_their_status_beside_an_answer_of_its_own() {
        let mut refusals = Refusals::default();
        refusals.add(&[ErrorCode::MiroirTimeout, ErrorCode::MiroirOverloaded, ErrorCode::IndexNotFound]);
        refusals.add_own_statuses(&[431]);
        let mut answers = Map::from_iter([(
            "503".to_owned(),
            json!({ "description": "Not ready.", "content": { JSON: { "schema": { "type": "object" } } } }),
        )]);
        refusals.describe(&mut answers);
        assert_eq!(answers.keys().collect::<Vec<_>>(), ["404", "431", "503", "504"]);
        assert_eq!(answers["404"], json!({ "$ref": "#/components/responses/IndexUnknown" }));
        assert_eq!(shared()["IndexUnknown"]["x-error-codes"], json!(["index_not_found"]));
        assert_eq!(answers["503"]["description"], "Not ready. Or `miroir_overloaded`.");
        assert_eq!(answers["503"]["content"][JSON]["schema"]["anyOf"][0], json!({ "type": "object" }));
        assert!(answers["503"]["headers"].get("Retry-After").is_some());
    }
}
