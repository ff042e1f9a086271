//! Canaries: their definitions, refusals and verdicts.

mod consistency;
mod definition;
mod draft;
mod evaluate;
mod property;
mod schedule;

use serde_json::{Map, Value, json};

use super::*;
use crate::Timestamp;
use crate::document::PrimaryKey;

/// A definition with this query and these assertions.
fn written(query: &Value, assertions: &Value) -> Value {
    json!({
        "name": "a film is found", "index": "films", "intervalSeconds": 60,
        "query": query, "assertions": assertions,
    })
}

// Tests build both in place.
#[expect(clippy::needless_pass_by_value)]
fn definition(query: Value, assertions: Value) -> Definition {
    Definition::parse(&written(&query, &assertions)).unwrap_or_else(|refusal| panic!("{refusal}"))
}

fn key() -> PrimaryKey {
    PrimaryKey::parse("id").unwrap()
}

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(map) = value else { panic!("{value} is not an object") };
    map
}

fn run(ran_at: i64, status: CanaryStatus, latency_ms: u64) -> CanaryRun {
    CanaryRun {
        canary_id: "c".to_owned(),
        ran_at: Timestamp::from_millis(ran_at),
        status,
        latency_ms,
        failed_assertions: json!([]),
    }
}
