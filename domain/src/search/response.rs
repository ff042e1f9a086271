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
        struct Answer;

        impl<'de> Visitor<'de> for Answer {
            type Value = SearchResponse;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the answer to a search, an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<SearchResponse, A::Error> {
                let mut answer = SearchResponse::default();
                while let Some(key) = members.next_key::<String>()? {
                    if key == HITS {
                        let hits = members.next_value::<Vec<Box<RawValue>>>()?;
                        answer.hits = Some(hits.into_iter().map(RawHit::new).collect());
                    } else {
                        answer.rest.insert(key, members.next_value()?);
                    }
                }
                Ok(answer)
            }
        }

        deserializer.deserialize_map(Answer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(text: &str) -> Result<SearchResponse, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    fn hit(text: &str) -> RawHit {
        answer(&format!(r#"{{"hits":[{text}]}}"#)).unwrap().hits.unwrap().remove(0)
    }

    #[test]
    fn answer_keeps_hits_apart_from_the_rest_in_its_order() {
        let read = answer(r#"{"z":1,"hits":[{"a":1},2],"b":{"hits":[3]}}"#).unwrap();
        assert_eq!(read.hits.unwrap().len(), 2);
        assert_eq!(serde_json::to_string(&read.rest).unwrap(), r#"{"z":1,"b":{"hits":[3]}}"#);
        assert!(answer("{}").unwrap().hits.is_none());
    }

    #[test]
    fn answer_reads_from_a_value_as_from_text() {
        let read: SearchResponse =
            serde_json::from_value(json!({"hits": [{"a": [1.5, "x"]}], "c": 1})).unwrap();
        assert_eq!(Value::from(read.hits.unwrap()[0].read().unwrap()), json!({"a": [1.5, "x"]}));
    }

    #[test]
    fn answer_refuses_what_is_no_search_result() {
        for text in
            ["[]", "1", "null", r#"{"hits":{}}"#, r#"{"hits":null}"#, r#"{"hits":[}"#, r#"{"hits":[{"a":}]}"#]
        {
            assert!(answer(text).is_err(), "{text}");
        }
    }

    #[test]
    fn members_are_those_asked_for_and_the_last_of_a_repeated_one() {
        let hit = hit(r#"{"a":{"b":[1,{"c":2}]},"d":3,"\u0065":4,"d":5,"f":"\"}"}"#);
        assert_eq!(Value::from(hit.read_members(&["d", "e", "x"]).unwrap()), json!({"d": 5, "e": 4}));
        assert_eq!(Value::from(hit.read_members(&[]).unwrap()), json!({}));
        assert_eq!(
            Value::from(hit.read().unwrap()),
            json!({"a": {"b": [1, {"c": 2}]}, "d": 5, "e": 4, "f": "\"}"})
        );
    }

    #[test]
    fn hit_that_is_no_object_says_so() {
        for text in ["1", "null", "[{}]", r#""{""#] {
            assert!(hit(text).read().unwrap_err().contains("no object"), "{text}");
            assert!(hit(text).read_members(&["a"]).unwrap_err().contains("no object"), "{text}");
        }
    }

    #[test]
    fn hit_whose_text_is_no_unicode_says_so_when_it_is_read() {
        assert!(hit(r#"{"a":"\ud800"}"#).read().unwrap_err().contains("cannot be read"));
    }
}
