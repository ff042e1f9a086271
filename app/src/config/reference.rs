//! The reference of the configuration: `docs/configuration.md`.

use std::fmt::Write;

use serde_json::Value;

use super::{Kind, Shape, variable_name};

const INTRODUCTION: &str = "\
# Configuration

<!-- Written by `miroir config schema --markdown`; a test fails when it is out of date. Do not edit. -->

Miroir reads one YAML file: the file of `--config`, else `miroir.yaml` in the working directory if it exists. Every key is also an environment variable: `MIROIR_`, the key in capitals, `__` between levels. A list is set
as JSON or YAML, for instance `MIROIR_NODES='[{id: node-1, url: \"http://127.0.0.1:7701\"}]'`. An empty variable
counts as unset. Some keys have a flag, and `--set key=value` sets any key.

Flags override the environment, the environment overrides the file, and the file overrides the defaults. Unknown keys and unknown
`MIROIR_` variables are errors that suggest the most similar name. `miroir config check` lists all problems,
or prints the effective configuration with keys masked; `miroir config schema` prints a JSON schema for editors.

Four variables with the prefix are not settings: `MIROIR_MEILISEARCH_BIN`, `MIROIR_URL`, `MIROIR_ADMIN_API_KEY`, `MIROIR_API_KEY`.
The variables that Kubernetes makes for services (`MIROIR_SERVICE_HOST`, `MIROIR_PORT_7700_TCP`, …) are ignored.
";

/// Returns the text of `docs/configuration.md`.
pub fn markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    let root = Shape::of_config();
    for (name, shape) in root.keys() {
        section(&mut page, std::slice::from_ref(name), shape);
    }
    page
}

/// Writes the section at `path` and its subsections.
fn section(page: &mut String, path: &[String], shape: &Shape) {
    let item = match &shape.kind {
        Kind::List(item) => item,
        _ => shape,
    };
    let description = one_line(&shape.description);
    let list = if matches!(shape.kind, Kind::List(_)) {
        format!("\n\nA list, set as a whole by `{}`. Each entry:", variable_name(path))
    } else {
        String::new()
    };
    // Writing to a String cannot fail.
    let _ = write!(page, "\n## `{}`\n\n{description}{list}\n\n", path.join("."));
    let columns = if list.is_empty() { "| environment " } else { "" };
    let rule = if list.is_empty() { "|---" } else { "" };
    let _ = write!(page, "| key | takes | default {columns}| |\n|---|---|---{rule}|---|\n");
    let below = |key: &String| [path, std::slice::from_ref(key)].concat();
    let is_section = |shape: &Shape| matches!(shape.kind, Kind::Section(_));
    for (key, leaf) in item.keys().filter(|(_, shape)| !is_section(shape)) {
        let variable =
            if list.is_empty() { format!("| `{}` ", variable_name(&below(key))) } else { String::new() };
        let _ = writeln!(
            page,
            "| `{key}` | {} | {} {variable}| {} |",
            takes(leaf),
            default(leaf),
            one_line(&leaf.description)
        );
    }
    for (key, words) in item.keys().filter_map(|(key, leaf)| Some((key, choices(leaf)?))) {
        let _ = write!(page, "\n`{key}`:\n\n");
        for (word, meaning) in words {
            let _ = writeln!(page, "- `{word}`: {}", one_line(meaning));
        }
    }
    let is_list = |shape: &Shape| matches!(&shape.kind, Kind::List(entry) if is_section(entry));
    for (key, within) in item.keys().filter(|(_, shape)| is_section(shape) || is_list(shape)) {
        section(page, &below(key), within);
    }
}

fn choices(shape: &Shape) -> Option<&[(String, String)]> {
    match &shape.kind {
        Kind::Choice(words) => Some(words),
        _ => None,
    }
}

fn takes(shape: &Shape) -> String {
    match (&shape.kind, shape.secret) {
        (_, true) => "a key (printable ASCII)".to_owned(),
        (Kind::Text { format: Some(format) }, _) => match format.as_str() {
            "socket-address" => "IP address and port".to_owned(),
            "node-url" => "http URL".to_owned(),
            "instance-id" | "node-id" | "sink-name" => "1 to 64 of `A-Z a-z 0-9 - _`".to_owned(),
            "log-filter" => "level or filter".to_owned(),
            other => other.to_owned(),
        },
        _ => shape.expectation(),
    }
}

fn default(shape: &Shape) -> String {
    match &shape.default {
        _ if shape.required => "must be set".to_owned(),
        None | Some(Value::Null) => "unset".to_owned(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(value) => format!("`{value}`"),
    }
}

/// Joins the lines of a comment, for a cell of a table.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
