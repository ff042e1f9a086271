//! Which documents, which attributes of them: the parameters of document reads, from a URL or a body, in the one form
//! the port takes.

use miroir_domain::error::ErrorCode;
use serde_json::{Map, Value};

use crate::error::Failure;
use crate::json;
use crate::query::Query;

const USE_NETWORK: &str = "useNetwork";
const LIST: [&str; 8] =
    ["offset", "limit", "fields", "retrieveVectors", "ids", "filter", "sort", USE_NETWORK];

/// The parameters of `GET …/documents`.
pub(super) fn url_parameters(query: &Query) -> Result<Map<String, Value>, Failure> {
    refuse_network(query.get(USE_NETWORK).is_some())?;
    let mut parameters = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            parameters.insert(name.to_owned(), value);
        }
    };
    set("offset", query.number("offset", ErrorCode::InvalidDocumentOffset)?.map(Value::from));
    set("limit", query.number("limit", ErrorCode::InvalidDocumentLimit)?.map(Value::from));
    set("fields", fields(query));
    set("retrieveVectors", retrieve_vectors(query)?);
    set("ids", query.list("ids"));
    set("filter", query.get("filter").map(filter));
    set("sort", query.list("sort"));
    Ok(parameters)
}

/// The body of `POST …/documents/fetch`: checked, and passed on as it is.
pub(super) fn body_parameters(body: Value) -> Result<Map<String, Value>, Failure> {
    let mut parameters = json::object(body, &LIST)?;
    json::check_boolean(&parameters, USE_NETWORK, ErrorCode::BadRequest)?;
    refuse_network(parameters.remove(USE_NETWORK) == Some(Value::Bool(true)))?;
    json::check_number(&parameters, "offset", ErrorCode::InvalidDocumentOffset)?;
    json::check_number(&parameters, "limit", ErrorCode::InvalidDocumentLimit)?;
    json::check_texts(&parameters, "fields", ErrorCode::InvalidDocumentFields)?;
    json::check_boolean(&parameters, "retrieveVectors", ErrorCode::InvalidDocumentRetrieveVectors)?;
    json::array(&parameters, "ids", ErrorCode::InvalidDocumentIds)?;
    json::check_texts(&parameters, "sort", ErrorCode::InvalidDocumentSort)?;
    Ok(parameters)
}

/// The parameters of `GET …/documents/{document_id}`: `fields` an array of texts, `retrieveVectors` a boolean.
pub(super) fn one_parameters(query: &Query) -> Result<Map<String, Value>, Failure> {
    refuse_network(query.get(USE_NETWORK).is_some())?;
    let pairs = [("fields", fields(query)), ("retrieveVectors", retrieve_vectors(query)?)];
    Ok(pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

/// `fields` of a URL; a star among them stands for all, and so for no restriction.
fn fields(query: &Query) -> Option<Value> {
    let all = query.get("fields")?.split(',').any(|field| field == "*");
    if all { None } else { query.list("fields") }
}

fn retrieve_vectors(query: &Query) -> Result<Option<Value>, Failure> {
    let value = query.boolean("retrieveVectors", ErrorCode::InvalidDocumentRetrieveVectors)?;
    Ok(value.map(Value::from))
}

/// A filter of a URL is JSON where it can be read as such, else an expression.
fn filter(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

/// Nodes of a cluster are not a network of Meilisearch servers.
fn refuse_network(asked: bool) -> Result<(), Failure> {
    if !asked {
        return Ok(());
    }
    let message = "`useNetwork` is not supported for a cluster: it is already answered by all nodes.";
    Err(Failure::refused(ErrorCode::MiroirNotSupported, message))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn url(query: &str) -> Value {
        Value::from(url_parameters(&Query::parse(query)).unwrap())
    }

    #[test]
    fn a_url_becomes_what_a_body_would_be() {
        let query =
            "offset=1&limit=2&fields=a,b&ids=1,x&sort=a:asc,b:desc&retrieveVectors=true&filter=a%20=%201";
        let expected = json!({
            "offset": 1, "limit": 2, "fields": ["a", "b"], "ids": ["1", "x"], "sort": ["a:asc", "b:desc"],
            "retrieveVectors": true, "filter": "a = 1",
        });
        assert_eq!(url(query), expected);
        assert_eq!(body_parameters(expected.clone()).map(Value::from), Ok(expected));
        assert_eq!(url(""), json!({}));
    }

    #[test]
    fn a_star_among_the_fields_means_all() {
        assert_eq!(url("fields=*"), json!({}));
        assert_eq!(url("fields=a,*"), json!({}));
        assert_eq!(url("fields="), json!({"fields": [""]}));
    }

    #[test]
    fn a_filter_may_be_json() {
        assert_eq!(url("filter=%5B%22a=1%22,[%22b=2%22]]"), json!({"filter": ["a=1", ["b=2"]]}));
        assert_eq!(url("filter=a=1"), json!({"filter": "a=1"}));
    }

    #[test]
    fn bodies_with_wrong_types_are_refused_by_name() {
        for (body, code) in [
            (json!([]), "bad_request"),
            (json!({"x": 1}), "bad_request"),
            (json!({"offset": -1}), "invalid_document_offset"),
            (json!({"limit": null}), "invalid_document_limit"),
            (json!({"fields": "a"}), "invalid_document_fields"),
            (json!({"fields": [1]}), "invalid_document_fields"),
            (json!({"retrieveVectors": "x"}), "invalid_document_retrieve_vectors"),
            (json!({"ids": "2"}), "invalid_document_ids"),
            (json!({"sort": [1]}), "invalid_document_sort"),
            (json!({"useNetwork": true}), "miroir_not_supported"),
        ] {
            assert_eq!(body_parameters(body.clone()).unwrap_err().error.code, code, "{body}");
        }
        let nulls = json!({"fields": null, "ids": null, "sort": null, "filter": null});
        assert!(body_parameters(nulls).is_ok());
    }
}
