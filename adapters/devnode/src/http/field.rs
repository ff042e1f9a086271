//! Checks of request parameters, with Meilisearch's words for what is wrong with them.

use serde_json::{Map, Value};

use super::error::ApiError;

/// What a value is, as error messages describe it.
pub(crate) fn describe(value: &Value) -> String {
    let kind = match value {
        Value::Null => return "null".to_owned(),
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_u64() => "a positive integer",
        Value::Number(number) if number.is_i64() => "a negative integer",
        Value::Number(_) => "a float",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    format!("{kind}: `{value}`")
}

/// A value of the wrong JSON type at `path` (empty for the whole body).
pub(crate) fn wrong_type(path: &str, expected: &str, found: &Value, code: &str) -> ApiError {
    let place = if path.is_empty() { String::new() } else { format!(" at `{path}`") };
    let found = describe(found);
    ApiError::invalid(code, format!("Invalid value type{place}: expected {expected}, but found {found}"))
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Text that is none of the expected words.
pub(crate) fn unknown_value(path: &str, found: &str, expected: &[&str], code: &str) -> ApiError {
    let place = if path.is_empty() { String::new() } else { format!(" at `{path}`") };
    ApiError::invalid(code, format!("Unknown value `{found}`{place}: expected one of {}", quoted(expected)))
}

/// A body that must be an object with no other fields than these.
pub(crate) fn object<'b>(body: &'b Value, allowed: &[&str]) -> Result<&'b Map<String, Value>, ApiError> {
    let map = body.as_object().ok_or_else(|| wrong_type("", "an object", body, "bad_request"))?;
    known_fields(map, "", allowed, "bad_request")?;
    Ok(map)
}

/// Refuses fields of an object at `path` that are not expected.
pub(crate) fn known_fields(
    map: &Map<String, Value>,
    path: &str,
    allowed: &[&str],
    code: &str,
) -> Result<(), ApiError> {
    let Some(unknown) = map.keys().find(|key| !allowed.contains(&key.as_str())) else { return Ok(()) };
    let place = if path.is_empty() { String::new() } else { format!(" inside `{path}`") };
    Err(ApiError::invalid(
        code,
        format!("Unknown field `{unknown}`{place}: expected one of {}", quoted(allowed)),
    ))
}

/// The query string as names and values, decoded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query string without its `?`.
    pub(crate) fn parse(text: &str) -> Self {
        let decode = |part: &str| {
            let spaced = part.replace('+', " ");
            percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        };
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(k, v)| (decode(k), decode(v)))
                .collect(),
        )
    }

    /// Refuses parameters that are not expected.
    pub(crate) fn only(&self, allowed: &[&str]) -> Result<(), ApiError> {
        let Some((unknown, _)) = self.0.iter().find(|(name, _)| !allowed.contains(&name.as_str())) else {
            return Ok(());
        };
        let message = format!("Unknown parameter `{unknown}`: expected one of {}", quoted(allowed));
        Err(ApiError::invalid("bad_request", message))
    }

    /// Whether there is any parameter.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that must be a positive integer.
    pub(crate) fn number<N: std::str::FromStr>(&self, name: &str, code: &str) -> Result<Option<N>, ApiError> {
        self.get(name).map(|text| text.parse().map_err(|_| not_a_number(name, text, code))).transpose()
    }

    /// The value of a parameter that must be `true` or `false`.
    pub(crate) fn boolean(&self, name: &str, code: &str) -> Result<Option<bool>, ApiError> {
        self.get(name)
            .map(|text| {
                text.parse().map_err(|_| {
                    let expected = "as a boolean, expected either `true` or `false`";
                    invalid_parameter(name, &format!("could not parse `{text}` {expected}"), code)
                })
            })
            .transpose()
    }

    /// The items of a comma-separated parameter, each with the name errors use for it.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<(String, &str)>> {
        let text = self.get(name)?;
        let items: Vec<&str> = text.split(',').filter(|item| !item.is_empty()).collect();
        let several = items.len() > 1;
        let label = |index: usize| if several { format!("{name}[{index}]") } else { name.to_owned() };
        Some(items.iter().enumerate().map(|(index, item)| (label(index), *item)).collect())
    }
}

/// A parameter with an unusable value.
pub(crate) fn invalid_parameter(name: &str, problem: &str, code: &str) -> ApiError {
    ApiError::invalid(code, format!("Invalid value in parameter `{name}`: {problem}"))
}

/// A parameter that should have been a number.
pub(crate) fn not_a_number(name: &str, text: &str, code: &str) -> ApiError {
    invalid_parameter(name, &format!("could not parse `{text}` as a positive integer"), code)
}

/// Optional values of a JSON body, each checked for its type.
pub(crate) struct Fields<'b> {
    map: &'b Map<String, Value>,
}

impl<'b> Fields<'b> {
    /// The fields of a body.
    pub(crate) fn new(map: &'b Map<String, Value>) -> Self {
        Self { map }
    }

    /// The raw value; `null` counts as absent.
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

    /// Text.
    pub(crate) fn text(&self, name: &str, code: &str) -> Result<Option<&'b str>, ApiError> {
        self.typed(name, "a string", code, Value::as_str)
    }

    /// A boolean.
    pub(crate) fn boolean(&self, name: &str, code: &str) -> Result<Option<bool>, ApiError> {
        self.typed(name, "a boolean", code, Value::as_bool)
    }

    /// A number of things.
    pub(crate) fn count(&self, name: &str, code: &str) -> Result<Option<usize>, ApiError> {
        self.typed(name, "a positive integer", code, |value| {
            value.as_u64().map(|number| usize::try_from(number).unwrap_or(usize::MAX))
        })
    }

    /// A number of things that may be left out but not be `null`.
    pub(crate) fn count_not_null(&self, name: &str, code: &str) -> Result<Option<usize>, ApiError> {
        match self.map.get(name) {
            Some(null @ Value::Null) => {
                Err(wrong_type(&format!(".{name}"), "a positive integer", null, code))
            }
            _ => self.count(name, code),
        }
    }

    /// A list of texts.
    pub(crate) fn texts(&self, name: &str, code: &str) -> Result<Option<Vec<String>>, ApiError> {
        let Some(items) = self.typed(name, "an array", code, Value::as_array)? else { return Ok(None) };
        let texts = items.iter().enumerate().map(|(index, item)| {
            let path = format!(".{name}[{index}]");
            item.as_str().map(str::to_owned).ok_or_else(|| wrong_type(&path, "a string", item, code))
        });
        texts.collect::<Result<_, _>>().map(Some)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn query_decodes_names_and_values() {
        let query = Query::parse("a=1%2C2&b+c=d%20e&flag");
        assert_eq!(query.get("a"), Some("1,2"));
        assert_eq!(query.get("b c"), Some("d e"));
        assert_eq!(query.get("flag"), Some(""));
        assert!(query.only(&["a", "flag"]).unwrap_err().message.starts_with("Unknown parameter `b c`"));
    }

    #[test]
    fn list_names_its_items_in_errors() {
        let query = Query::parse("uids=1,2&types=a");
        assert_eq!(query.list("uids"), Some(vec![("uids[0]".to_owned(), "1"), ("uids[1]".to_owned(), "2")]));
        assert_eq!(query.list("types"), Some(vec![("types".to_owned(), "a")]));
        assert_eq!(query.list("statuses"), None);
    }

    #[test]
    fn describe_names_the_json_type() {
        assert_eq!(describe(&json!(3)), "a positive integer: `3`");
        assert_eq!(describe(&json!(-3)), "a negative integer: `-3`");
        assert_eq!(describe(&json!("a")), "a string: `\"a\"`");
        assert_eq!(describe(&json!(null)), "null");
    }
}
