//! The components that operations share: schemas, parameters, headers, keys.

use miroir_domain::error::ErrorCode;
use miroir_domain::settings::Setting;
use miroir_domain::task::TaskKind;
use serde_json::{Map, Value, json};

use super::refusal;

const INFO: &str = include_str!("../../openapi/info.json");
const PARAMETERS: &str = include_str!("../../openapi/parameter.json");
const SCHEMAS: [&str; 12] = [
    include_str!("../../openapi/schema/error.json"),
    include_str!("../../openapi/schema/task.json"),
    include_str!("../../openapi/schema/index.json"),
    include_str!("../../openapi/schema/document.json"),
    include_str!("../../openapi/schema/settings.json"),
    include_str!("../../openapi/schema/search.json"),
    include_str!("../../openapi/schema/cluster.json"),
    include_str!("../../openapi/schema/instance.json"),
    include_str!("../../openapi/schema/alias.json"),
    include_str!("../../openapi/schema/canary.json"),
    include_str!("../../openapi/schema/change.json"),
    include_str!("../../openapi/schema/job.json"),
];

/// Parses a file that is part of the program. The tests of this module parse every file, so none can be
/// invalid here.
fn read(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

/// Returns the `info` object, without the version.
pub(super) fn info() -> Value {
    read(INFO).into()
}

/// Returns the `components` object.
pub(super) fn all() -> Value {
    json!({
        "schemas": schemas(),
        "parameters": read(PARAMETERS),
        "headers": headers(),
        "responses": refusal::shared(),
        "securitySchemes": {
            "masterKey": {
                "type": "http", "scheme": "bearer",
                "description": "The master key. Not needed if none is configured.",
            },
            "adminKey": {
                "type": "http", "scheme": "bearer",
                "description": "The admin key. If none is configured, clients on the same machine need none.",
            },
            "adminKeyHeader": {
                "type": "apiKey", "in": "header", "name": "X-Admin-Key",
                "description": "The admin key, for requests that have another `Authorization`. It takes precedence over the bearer.",
            },
        },
    })
}

fn schemas() -> Map<String, Value> {
    let mut schemas: Map<String, Value> = SCHEMAS.iter().flat_map(|text| read(text)).collect();
    schemas["TaskType"]["enum"] = TaskKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let settings = Setting::ALL.iter().map(|setting| {
        let key = setting.key();
        (key.to_owned(), json!({ "$ref": format!("#/components/schemas/Setting.{key}") }))
    });
    schemas["Settings"]["properties"] = settings.collect();
    let mut multi_search_item = schemas["SearchQuery"].clone();
    multi_search_item["required"] = json!(["indexUid"]);
    multi_search_item["properties"]["indexUid"] = json!({ "$ref": "#/components/schemas/IndexUid" });
    multi_search_item["examples"] = json!([{ "indexUid": "films", "q": "alien" }]);
    schemas.insert("MultiSearchItem".to_owned(), multi_search_item);
    schemas.insert("ErrorCode".to_owned(), error_code());
    schemas
}

fn error_code() -> Value {
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "anyOf": [
            { "title": "Codes of Miroir", "type": "string", "enum": codes },
            {
                "title": "Codes of nodes, passed through",
                "type": "string", "pattern": "^[a-z][a-z0-9_]*$",
            },
        ],
    })
}

fn headers() -> Value {
    let header = |description: &str, required: bool, schema: Value| json!({ "description": description, "required": required, "schema": schema });
    json!({
        "X-Request-Id": header(
            "The id of the request in every line of the log that it caused.",
            true,
            json!({ "type": "string", "minLength": 1, "maxLength": 128 }),
        ),
        "X-Miroir-Degraded": header(
            "The parts that the response may be without: shards that no replica in sync served, nodes that missed a write.",
            false,
            json!({ "type": "string" }),
        ),
        "ETag": header("The version, for `If-Match`.", true, json!({ "type": "string", "pattern": "^\"[0-9]+\"$" })),
        "Retry-After": header(
            "Seconds to wait before a retry.", false, json!({ "type": "integer", "minimum": 1 })
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_objects_without_duplicate_names() {
        let mut names = std::collections::BTreeSet::new();
        for text in SCHEMAS {
            let schemas: Map<String, Value> = serde_json::from_str(text).unwrap();
            assert!(!schemas.is_empty());
            for name in schemas.keys() {
                assert!(names.insert(name.clone()), "{name}");
            }
        }
        for text in [INFO, PARAMETERS] {
            assert!(!serde_json::from_str::<Map<String, Value>>(text).unwrap().is_empty());
        }
        assert!(!names.contains("ErrorCode") && !names.contains("MultiSearchItem"));
    }
}
