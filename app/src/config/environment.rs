//! The environment: `MIROIR_SERVER__ADDRESS` is `server.address`.

use std::ffi::OsString;

use serde_json::Value;

use super::check::nearest;
use super::problem::excerpt;
use super::{Kind, Layer, Origin, Problem, Shape};

/// The prefix of all variables of Miroir.
const PREFIX: &str = "MIROIR_";

/// Variables with the prefix that are not settings. Other commands and the tests read them.
const OF_TOOLS: [&str; 4] =
    ["MIROIR_ADMIN_API_KEY", "MIROIR_API_KEY", "MIROIR_MEILISEARCH_BIN", "MIROIR_URL"];

/// Returns the variable that sets the key at `path`.
pub fn variable_name(path: &[String]) -> String {
    let levels: Vec<String> = path.iter().map(|key| key.to_ascii_uppercase()).collect();
    format!("{PREFIX}{}", levels.join("__"))
}

/// Returns a layer for each variable that sets a key, and a problem for each invalid variable. An empty
/// variable counts as unset, because compose files pass unset variables as empty ones.
pub(super) fn environment_layers(
    shape: &Shape,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> (Vec<Layer>, Vec<Problem>) {
    let settings: Vec<(String, Vec<String>, &Shape)> =
        shape.leaves().into_iter().map(|(path, leaf)| (variable_name(&path), path, leaf)).collect();
    let mut layers = Vec::new();
    let mut problems = Vec::new();
    for (name, value) in ours(variables) {
        let origin = Origin::Environment(excerpt(&name));
        let setting = settings.iter().find(|(known, ..)| *known == name);
        let parsed = match (setting, value.into_string()) {
            (None, _) => Err((String::new(), unknown(&settings, &name))),
            (Some((_, path, _)), Err(_)) => Err((path.join("."), "is not valid UTF-8".to_owned())),
            (Some(_), Ok(text)) if text.is_empty() => continue,
            (Some((_, path, leaf)), Ok(text)) => {
                value_of(leaf, &text).map(|value| (path, value)).map_err(|message| (path.join("."), message))
            }
        };
        match parsed {
            Ok((path, value)) => layers.push(Layer::of_key(origin, path, value)),
            Err((path, message)) => problems.push(Problem { path, origin: Some(origin), message }),
        }
    }
    (layers, problems)
}

/// Returns the variables that must be settings, sorted, so that the order of messages is stable.
fn ours(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<(String, OsString)> {
    let mut ours: Vec<(String, OsString)> = variables
        .into_iter()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .filter(|(name, _)| !OF_TOOLS.contains(&name.as_str()) && !is_service_link(name))
        .collect();
    ours.sort();
    ours
}

/// Returns whether Kubernetes made the variable. A pod gets variables for every service of its namespace,
/// such as `<SERVICE>_SERVICE_HOST` and `<SERVICE>_PORT_7700_TCP_ADDR`, and a service can be named `miroir`.
/// In a setting, the underscores are doubled at these positions.
fn is_service_link(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX).filter(|rest| !rest.contains("__")) else { return false };
    let link = |tail: &str| {
        tail == "SERVICE_HOST"
            || tail == "SERVICE_PORT"
            || tail.starts_with("SERVICE_PORT_")
            || tail == "PORT"
            || tail.strip_prefix("PORT_").is_some_and(|port| port.starts_with(|c: char| c.is_ascii_digit()))
    };
    // The name of the service can contain underscores, so every suffix after an underscore is tried.
    link(rest) || rest.match_indices('_').any(|(position, _)| link(&rest[position + 1..]))
}

fn unknown(settings: &[(String, Vec<String>, &Shape)], name: &str) -> String {
    let of_list = settings.iter().find(|(known, _, leaf)| {
        matches!(leaf.kind, Kind::List(_)) && name.starts_with(&format!("{known}__"))
    });
    if let Some((known, ..)) = of_list {
        return format!("cannot be set entry by entry: set the whole list as JSON or YAML in {known}");
    }
    match nearest(name, settings.iter().map(|(known, ..)| known.as_str())) {
        Some(near) => format!("unknown setting; did you mean {near}?"),
        None => {
            "unknown setting: every variable that begins with MIROIR_ must be one (`miroir config schema` \
                 lists the keys; `__` stands between levels)"
                .to_owned()
        }
    }
}

/// Parses text as a value of the key. Invalid text stays text, so that the check reports the expected type.
pub(super) fn value_of(shape: &Shape, text: &str) -> Result<Value, String> {
    let trimmed = text.trim();
    match &shape.kind {
        Kind::Section(_) | Kind::List(_) | Kind::Json { .. } => super::file::parse_yaml(text),
        Kind::Integer { .. } | Kind::Boolean if shape.nullable && trimmed == "null" => Ok(Value::Null),
        Kind::Integer { .. } => {
            let number = trimmed.parse::<u64>().map(Value::from);
            Ok(number.or_else(|_| trimmed.parse::<i64>().map(Value::from)).unwrap_or_else(|_| text.into()))
        }
        Kind::Boolean => Ok(trimmed.parse::<bool>().map_or_else(|_| text.into(), Value::Bool)),
        Kind::Text { .. } | Kind::Choice(_) => Ok(text.into()),
    }
}
