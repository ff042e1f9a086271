//! The configuration of a cluster as JSON.

use serde_json::Value;

/// Merges `overrides` into `base`. Objects are merged key by key, and other values are replaced.
pub(crate) fn merge(base: &mut Value, overrides: Value) {
    match (base, overrides) {
        (Value::Object(base), Value::Object(overrides)) => {
            for (key, value) in overrides {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, overrides) => *base = overrides,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn merge_goes_into_objects_and_replaces_the_rest() {
        let mut base = json!({ "a": { "b": 1, "c": [1] }, "d": 2 });
        merge(&mut base, json!({ "a": { "c": [2], "e": 3 }, "f": null }));
        assert_eq!(base, json!({ "a": { "b": 1, "c": [2], "e": 3 }, "d": 2, "f": null }));
    }
}
