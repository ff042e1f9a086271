//! Reading a person's JSON field by field, with refusals that name the place.

use serde_json::{Map, Value};

use crate::error::{ErrorCode, InvalidRequest};
use crate::wording;

/// Returns the refusal of a canary. `place` is a path such as `.assertions[0].k`, or empty for the whole.
pub(super) fn refuse(place: &str, message: impl AsRef<str>) -> InvalidRequest {
    let message = message.as_ref();
    let message = match place {
        "" => format!("Invalid canary: {message}."),
        place => format!("Invalid canary at `{place}`: {message}."),
    };
    InvalidRequest::new(ErrorCode::MiroirInvalidCanary, message)
}

/// The fields of an object.
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    place: &'a str,
}

impl<'a> Fields<'a> {
    /// Returns the fields of `value`, found at `place`. Fails if it is not an object.
    pub(super) fn of(value: &'a Value, place: &'a str) -> Result<Self, InvalidRequest> {
        match value {
            Value::Object(map) => Ok(Self { map, place }),
            other => Err(wrong_type(place, "an object", other)),
        }
    }

    /// Refuses the first field that is none of `known`.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), InvalidRequest> {
        match self.map.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                let shown = wording::excerpt(name, wording::NAME_CHARS);
                let expected = wording::expected_one_of(name, known);
                Err(refuse(self.place, format!("unknown field `{shown}`: {expected}")))
            }
            None => Ok(()),
        }
    }

    /// Returns the path of the field `name`.
    pub(super) fn place(&self, name: &str) -> String {
        format!("{}.{name}", self.place)
    }

    /// Returns an optional field.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name)
    }

    /// Returns a required field.
    pub(super) fn required(&self, name: &str) -> Result<&'a Value, InvalidRequest> {
        self.get(name).ok_or_else(|| refuse(self.place, format!("the field `{name}` is missing")))
    }

    /// Returns a required text.
    pub(super) fn text(&self, name: &str) -> Result<&'a str, InvalidRequest> {
        let value = self.required(name)?;
        value.as_str().ok_or_else(|| wrong_type(&self.place(name), "a string", value))
    }

    /// Returns a required whole number of at least `least`.
    pub(super) fn number(&self, name: &str, least: u64) -> Result<u64, InvalidRequest> {
        self.number_of(name, self.required(name)?, least)
    }

    /// Returns an optional whole number.
    pub(super) fn optional_number(&self, name: &str) -> Result<Option<u64>, InvalidRequest> {
        self.get(name).map(|value| self.number_of(name, value, 0)).transpose()
    }

    fn number_of(&self, name: &str, value: &Value, least: u64) -> Result<u64, InvalidRequest> {
        let place = self.place(name);
        let number = value.as_u64().ok_or_else(|| wrong_type(&place, "a positive integer", value))?;
        if number < least {
            return Err(refuse(&place, format!("{number} is too small: it must be at least {least}")));
        }
        Ok(number)
    }

    /// Returns a boolean, or `default` if it is absent.
    pub(super) fn boolean(&self, name: &str, default: bool) -> Result<bool, InvalidRequest> {
        match self.get(name) {
            None => Ok(default),
            Some(Value::Bool(value)) => Ok(*value),
            Some(other) => Err(wrong_type(&self.place(name), "a boolean", other)),
        }
    }

    /// Returns the elements of an array. An absent array has none.
    pub(super) fn array(&self, name: &str) -> Result<&'a [Value], InvalidRequest> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(elements)) => Ok(elements),
            Some(other) => Err(wrong_type(&self.place(name), "an array", other)),
        }
    }
}

/// Refuses `value`, found at `place`, for its type.
pub(super) fn wrong_type(place: &str, expected: &str, value: &Value) -> InvalidRequest {
    refuse(place, format!("expected {expected}, but found {}", wording::described(value)))
}
