//! Limits of JSON values.

use serde_json::Value;

/// Returns whether `value` nests at most `levels` deep. Stops at that depth, so no value can exhaust the
/// stack.
pub fn fits(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| fits(item, levels - 1)),
        Value::Object(members) => levels > 0 && members.values().all(|member| fits(member, levels - 1)),
        _ => true,
    }
}

/// JSON for property tests.
#[cfg(test)]
pub(crate) mod fixture {
    use proptest::prelude::*;
    use serde_json::Value;

    /// Returns any JSON with such keys and texts.
    pub(crate) fn any_json(
        keys: impl Strategy<Value = String> + Clone + 'static,
        texts: impl Strategy<Value = String> + 'static,
    ) -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            texts.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            let members = proptest::collection::vec((keys.clone(), inner.clone()), 0..4);
            prop_oneof![
                proptest::collection::vec(inner, 0..4).prop_map(Value::from),
                members.prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fits_admits_the_last_level_and_refuses_the_next() {
        let nested = (0..100).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
        assert!(fits(&nested, 100));
        assert!(!fits(&nested, 99));
    }
}
