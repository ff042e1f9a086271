//! Values without the parts that have their default.

use serde_json::{Map, Value};

/// Returns `value` without the fields that have their default. Returns `None` if nothing is left.
pub(super) fn without(value: Value, default: &Value) -> Option<Value> {
    match (value, default) {
        (Value::Object(fields), Value::Object(defaults)) => {
            let left: Map<String, Value> = fields
                .into_iter()
                .filter_map(|(key, value)| match defaults.get(&key) {
                    Some(default) => Some((key, without(value, default)?)),
                    None => Some((key, value)),
                })
                .collect();
            (!left.is_empty()).then_some(Value::Object(left))
        }
        (value, default) => (value != *default).then_some(value),
    }
}
