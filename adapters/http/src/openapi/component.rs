//! What operations share: schemas, parameters, headers, keys.

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

/// A file that is part of the program. Every one is read by the tests of this module, so that none can be broken here.
fn read(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

pub(super) fn info() -> Value {
    read(INFO).into()
}

/// Everything under `components`.
pub(super) fn all() -> Value {
    json!({
        "schemas": schemas(),
        "parameters": read(PARAMETERS),
        "headers": headers(),
        "responses": refusal::shared(),
        "securitySchemes": {
            "masterKey": {
                "type": "http", "scheme": "bearer",
                "description": "The master key; nothing where none is configured.",
            },
            "adminKey": {
                "type": "http", "scheme": "bearer",
                "description": "The admin key; where none is configured, nothing on the same machine.",
            },
            "adminKeyHeader": {
                "type": "apiKey", "in": "header", "name": "X-Admin-Key",
                "description": "The admin key beside another `Authorization`. It wins over the bearer.",
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
    let mut one_of_several = schemas["SearchQuery"].clone();
    one_of_several["required"] = json!(["indexUid"]);
    one_of_several["properties"]["indexUid"] = json!({ "$ref": "#/components/schemas/IndexUid" });
    one_of_several["examples"] = json!([{ "indexUid": "films", "q": "alien" }]);
    schemas.insert("OneOfSeveralQueries".to_owned(), one_of_several);
    schemas.insert("ErrorCode".to_owned(), error_code());
    schemas
}

fn error_code() -> Value {
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "anyOf": [
            { "title": "The codes that Miroir gives", "type": "string", "enum": codes },
            {
                "title": "Codes that only nodes give, passed through",
                "type": "string", "pattern": "^[a-z][a-z0-9_]*$",
            },
        ],
    })
}

fn headers() -> Value {
    let header = |description: &str, required: bool, schema: Value| json!({ "description": description, "required": required, "schema": schema });
    json!({
        "X-Request-Id": header(
            "Names the request in every line of the log that it caused.",
            true,
            json!({ "type": "string", "minLength": 1, "maxLength": 128 }),
        ),
        "X-Miroir-Degraded": header(
            "What the answer had to do without: shards that no node served, nodes that missed a write.",
            false,
            json!({ "type": "string" }),
        ),
        "ETag": header("The version, for `If-Match`.", true, json!({ "type": "string", "pattern": "^\"[0-9]+\"$" })),
        "Retry-After": header(
            "Seconds to wait before trying again.", false, json!({ "type": "integer", "minimum": 1 })
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_an_object_and_no_name_is_taken_twice() {
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
        assert!(!names.contains("ErrorCode") && !names.contains("OneOfSeveralQueries"));
    }
}
