//! One hit of a node's response, left as text until it is needed.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Map;
use serde_json::Value;
use serde_json::value::RawValue;

/// A hit on its way to the client.
pub(super) type Hit = Map<String, Value>;

/// A hit as the node wrote it: valid JSON of any content.
#[derive(Debug, Clone)]
pub(super) struct RawHit(Box<RawValue>);

impl RawHit {
    /// Creates the hit from its text.
    pub(super) fn new(text: Box<RawValue>) -> Self {
        Self(text)
    }

    /// Returns the whole hit. The error names the fault.
    pub(super) fn read(&self) -> Result<Hit, String> {
        self.checked()?;
        serde_json::from_str(self.0.get()).map_err(|error| format!("a hit that cannot be read: {error}"))
    }

    /// Returns the members called one of `names`; the others are skipped. The error names the fault of the
    /// hit.
    pub(super) fn read_members(&self, names: &[&str]) -> Result<Hit, String> {
        let text = self.checked()?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        Members(names)
            .deserialize(&mut deserializer)
            .map_err(|error| format!("a hit that cannot be read: {error}"))
    }

    fn checked(&self) -> Result<&str, String> {
        let text = self.0.get();
        if text.starts_with('{') { Ok(text) } else { Err("a hit that is not an object".to_owned()) }
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

/// Reads a key. The result is `None` unless the key is one of these names.
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
