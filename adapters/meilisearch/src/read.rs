//! Reads as calls.

use http::Method;
use miroir_ports::outbound::{NodeRead, NodeSearch};
use serde_json::{Map, Value};

use crate::call::Call;

/// Returns the call for `read`.
pub(crate) fn call(read: NodeRead) -> Call {
    match read {
        NodeRead::Version => Call::new(Method::GET, "/version"),
        NodeRead::IndexList { offset, limit } => Call::new(Method::GET, "/indexes")
            .with_query("offset", offset.to_string())
            .with_query("limit", limit.to_string()),
        NodeRead::Index(index) => Call::new(Method::GET, format!("/indexes/{index}")),
        NodeRead::Stats(index) => Call::new(Method::GET, format!("/indexes/{index}/stats")),
        NodeRead::AllStats => Call::new(Method::GET, "/stats"),
        NodeRead::Settings(index, None) => Call::new(Method::GET, format!("/indexes/{index}/settings")),
        NodeRead::Settings(index, Some(setting)) => {
            Call::new(Method::GET, format!("/indexes/{index}/settings/{}", setting.route()))
        }
        NodeRead::Document(index, id, parameters) => {
            with_parameters(Call::new(Method::GET, format!("/indexes/{index}/documents/{id}")), parameters)
        }
        NodeRead::Documents(index, body) => {
            Call::new(Method::POST, format!("/indexes/{index}/documents/fetch")).with_json(body.into())
        }
    }
}

/// Returns the call for `search`.
pub(crate) fn search_call(search: NodeSearch) -> Call {
    Call::new(Method::POST, format!("/indexes/{}/search", search.index)).with_json(search.body.into())
}

/// Adds query parameters in Meilisearch's form: lists are joined by commas, `null` is left out.
fn with_parameters(mut call: Call, parameters: Map<String, Value>) -> Call {
    for (name, value) in parameters {
        match value {
            Value::Null => {}
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(as_text).collect();
                call = call.with_query(name, items.join(","));
            }
            value => call = call.with_query(name, as_text(&value)),
        }
    }
    call
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_take_the_form_of_a_query() {
        let Value::Object(parameters) =
            json!({ "fields": ["a", "b&c"], "retrieveVectors": true, "limit": 3, "none": null, "q": "x" })
        else {
            unreachable!("an object was written above");
        };
        let mut query = with_parameters(Call::new(Method::GET, "/"), parameters).query;
        query.sort();
        let pairs: Vec<_> = query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("fields", "a,b&c"), ("limit", "3"), ("q", "x"), ("retrieveVectors", "true")]);
    }
}
