//! The parameters of document reads, from a URL or a body, in the form that the port takes: a JSON object.

use miroir_domain::error::ErrorCode;
use serde_json::{Map, Value};

use crate::error::Failure;
use crate::json;
use crate::query::Query;

const USE_NETWORK: &str = "useNetwork";
const LIST: [&str; 8] =
    ["offset", "limit", "fields", "retrieveVectors", "ids", "filter", "sort", USE_NETWORK];

/// Reads the parameters of `GET …/documents`.
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

/// Checks the body of `POST …/documents/fetch` and returns it unchanged.
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

/// Reads the parameters of `GET …/documents/{document_id}`: `fields`, an array of strings, and
/// `retrieveVectors`, a boolean.
pub(super) fn one_parameters(query: &Query) -> Result<Map<String, Value>, Failure> {
    refuse_network(query.get(USE_NETWORK).is_some())?;
    let pairs = [("fields", fields(query)), ("retrieveVectors", retrieve_vectors(query)?)];
    Ok(pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

/// Reads `fields` of a URL. Returns `None` if one of them is `*`, which means all fields.
fn fields(query: &Query) -> Option<Value> {
    let all = query.get("fields")?.split(',').any(|field| field == "*");
    if all { None } else { query.list("fields") }
}

fn retrieve_vectors(query: &Query) -> Result<Option<Value>, Failure> {
    let value = query.boolean("retrieveVectors", ErrorCode::InvalidDocumentRetrieveVectors)?;
    Ok(value.map(Value::from))
}

/// Reads a filter of a URL: JSON if it can be parsed as JSON, otherwise an expression.
fn filter(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

/// Refuses `useNetwork`, since the nodes of a cluster do not form a network of Meilisearch servers.
fn refuse_network(requested: bool) -> Result<(), Failure> {
    if !requested {
        return Ok(());
    }
    let message = "`useNetwork` is not supported for a cluster: a read already covers all nodes.";
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
    fn url_parameters_are_those_of_an_equal_body() {
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
    fn url_parameters_read_a_star_as_all_fields() {
        assert_eq!(url("fields=*"), json!({}));
        assert_eq!(url("fields=a,*"), json!({}));
        assert_eq!(url("fields="), json!({"fields": [""]}));
    }

    #[test]
    fn url_parameters_read_a_filter_as_json_or_as_an_expression() {
        assert_eq!(url("filter=%5B%22a=1%22,[%22b=2%22]]"), json!({"filter": ["a=1", ["b=2"]]}));
        assert_eq!(url("filter=a=1"), json!({"filter": "a=1"}));
    }

    #[test]
    fn body_parameters_refuse_wrong_types_with_their_own_codes() {
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
