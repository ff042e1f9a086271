//! The body of a node's response to a search, its hits left as text until one is needed.
//!
//! A node returns every hit up to the end of the client's page, and most nodes send hits in vain. To make
//! values of them all, and to free those again, costs many times what the merge costs.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::hit::RawHit;

const HITS: &str = "hits";

/// The response of a node to a search, read from JSON. `hits` must be an array if it is present; everything
/// else is taken as it is.
#[derive(Debug, Clone, Default)]
pub struct SearchResponse {
    /// The hits, if the response has the key.
    pub(super) hits: Option<Vec<RawHit>>,
    /// Everything but the hits.
    pub(super) rest: Map<String, Value>,
}

impl<'de> Deserialize<'de> for SearchResponse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ResponseVisitor;

        impl<'de> Visitor<'de> for ResponseVisitor {
            type Value = SearchResponse;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the response to a search, an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<SearchResponse, A::Error> {
                let mut response = SearchResponse::default();
                while let Some(key) = members.next_key::<String>()? {
                    if key == HITS {
                        let hits = members.next_value::<Vec<Box<RawValue>>>()?;
                        response.hits = Some(hits.into_iter().map(RawHit::new).collect());
                    } else {
                        response.rest.insert(key, members.next_value()?);
                    }
                }
                Ok(response)
            }
        }

        deserializer.deserialize_map(ResponseVisitor)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn response(text: &str) -> Result<SearchResponse, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    fn hit(text: &str) -> RawHit {
        response(&format!(r#"{{"hits":[{text}]}}"#)).unwrap().hits.unwrap().remove(0)
    }

    #[test]
    fn response_separates_hits_from_the_rest_and_keeps_its_order() {
        let read = response(r#"{"z":1,"hits":[{"a":1},2],"b":{"hits":[3]}}"#).unwrap();
        assert_eq!(read.hits.unwrap().len(), 2);
        assert_eq!(serde_json::to_string(&read.rest).unwrap(), r#"{"z":1,"b":{"hits":[3]}}"#);
        assert!(response("{}").unwrap().hits.is_none());
    }

    #[test]
    fn response_is_read_from_a_value_as_from_text() {
        let read: SearchResponse =
            serde_json::from_value(json!({"hits": [{"a": [1.5, "x"]}], "c": 1})).unwrap();
        assert_eq!(Value::from(read.hits.unwrap()[0].read().unwrap()), json!({"a": [1.5, "x"]}));
    }

    #[test]
    fn response_refuses_json_that_is_not_a_search_result() {
        for text in
            ["[]", "1", "null", r#"{"hits":{}}"#, r#"{"hits":null}"#, r#"{"hits":[}"#, r#"{"hits":[{"a":}]}"#]
        {
            assert!(response(text).is_err(), "{text}");
        }
    }

    #[test]
    fn read_members_returns_the_requested_ones_and_the_last_of_a_repeated_one() {
        let hit = hit(r#"{"a":{"b":[1,{"c":2}]},"d":3,"\u0065":4,"d":5,"f":"\"}"}"#);
        assert_eq!(Value::from(hit.read_members(&["d", "e", "x"]).unwrap()), json!({"d": 5, "e": 4}));
        assert_eq!(Value::from(hit.read_members(&[]).unwrap()), json!({}));
        assert_eq!(
            Value::from(hit.read().unwrap()),
            json!({"a": {"b": [1, {"c": 2}]}, "d": 5, "e": 4, "f": "\"}"})
        );
    }

    #[test]
    fn reading_a_hit_that_is_not_an_object_fails() {
        for text in ["1", "null", "[{}]", r#""{""#] {
            assert!(hit(text).read().unwrap_err().contains("not an object"), "{text}");
            assert!(hit(text).read_members(&["a"]).unwrap_err().contains("not an object"), "{text}");
        }
    }

    #[test]
    fn reading_a_hit_with_invalid_unicode_fails() {
        assert!(hit(r#"{"a":"\ud800"}"#).read().unwrap_err().contains("cannot be read"));
    }
}
