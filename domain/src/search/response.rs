//! The body of a node's answer, its hits left as text until somebody has to look at one.
//!
//! A node answers with every hit up to the end of the client's page, and all nodes but the best ones send hits in
//! vain. Making values of them all, and freeing those again, costs many times what merging costs.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::order::Hit;

const HITS: &str = "hits";

/// A hit as the node wrote it: valid JSON, of which nothing is known yet.
#[derive(Debug, Clone)]
pub(super) struct RawHit(Box<RawValue>);

impl RawHit {
    /// The whole hit. The error says what is wrong with it.
    pub(super) fn read(&self) -> Result<Hit, String> {
        self.checked()?;
        serde_json::from_str(self.0.get()).map_err(|error| format!("a hit that cannot be read: {error}"))
    }

    /// The members called one of `names`; the others are passed over. The error says what is wrong with the hit.
    pub(super) fn read_members(&self, names: &[&str]) -> Result<Hit, String> {
        let text = self.checked()?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        Members(names)
            .deserialize(&mut deserializer)
            .map_err(|error| format!("a hit that cannot be read: {error}"))
    }

    fn checked(&self) -> Result<&str, String> {
        let text = self.0.get();
        if text.starts_with('{') { Ok(text) } else { Err("a hit that is no object".to_owned()) }
    }
}

/// What a node answered to a search. Read from JSON; `hits` must be an array if it is there, everything else is taken
/// as it is.
#[derive(Debug, Clone, Default)]
pub struct SearchResponse {
    /// None where there was no such key.
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
                        answer.hits = Some(hits.into_iter().map(RawHit).collect());
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

/// Reads the members of an object that have one of these names.
struct Members<'a>(&'a [&'a str]);

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = Hit;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Hit, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Hit;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Hit, A::Error> {
        let mut found = Map::new();
        while let Some(known) = members.next_key_seed(Known(self.0))? {
            match known {
                Some(name) => {
                    found.insert(name.to_owned(), members.next_value()?);
                }
                None => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

/// Reads a key as one of these names, or as none of them.
struct Known<'a>(&'a [&'a str]);

impl<'de, 'a> DeserializeSeed<'de> for Known<'a> {
    type Value = Option<&'a str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Known<'a> {
    type Value = Option<&'a str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().copied().find(|name| *name == key))
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
