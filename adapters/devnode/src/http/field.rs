//! The fields of a JSON body, each checked for its type.

use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::json::wrong_type;

/// Optional values of a JSON body, each checked for its type.
pub(crate) struct Fields<'b> {
    map: &'b Map<String, Value>,
}

impl<'b> Fields<'b> {
    /// Wraps the fields of a body.
    pub(crate) fn new(map: &'b Map<String, Value>) -> Self {
        Self { map }
    }

    /// Returns the raw value. `null` counts as absent.
    pub(crate) fn value(&self, name: &str) -> Option<&'b Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    fn typed<T>(
        &self,
        name: &str,
        expected: &str,
        code: &str,
        read: impl Fn(&'b Value) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        self.value(name)
            .map(|value| read(value).ok_or_else(|| wrong_type(&format!(".{name}"), expected, value, code)))
            .transpose()
    }

    /// Returns a text.
    pub(crate) fn text(&self, name: &str, code: &str) -> Result<Option<&'b str>, ApiError> {
        self.typed(name, "a string", code, Value::as_str)
    }

    /// Returns a boolean.
    pub(crate) fn boolean(&self, name: &str, code: &str) -> Result<Option<bool>, ApiError> {
        self.typed(name, "a boolean", code, Value::as_bool)
    }

    /// Returns a count.
    pub(crate) fn count(&self, name: &str, code: &str) -> Result<Option<usize>, ApiError> {
        self.typed(name, "a positive integer", code, |value| {
            value.as_u64().map(|number| usize::try_from(number).unwrap_or(usize::MAX))
        })
    }

    /// Returns a count that may be absent but not `null`.
    pub(crate) fn count_not_null(&self, name: &str, code: &str) -> Result<Option<usize>, ApiError> {
        match self.map.get(name) {
            Some(null @ Value::Null) => {
                Err(wrong_type(&format!(".{name}"), "a positive integer", null, code))
            }
            _ => self.count(name, code),
        }
    }

    /// Returns a list of texts.
    pub(crate) fn texts(&self, name: &str, code: &str) -> Result<Option<Vec<String>>, ApiError> {
        let Some(items) = self.typed(name, "an array", code, Value::as_array)? else { return Ok(None) };
        let texts = items.iter().enumerate().map(|(index, item)| {
            let path = format!(".{name}[{index}]");
            item.as_str().map(str::to_owned).ok_or_else(|| wrong_type(&path, "a string", item, code))
        });
        texts.collect::<Result<_, _>>().map(Some)
    }
}
