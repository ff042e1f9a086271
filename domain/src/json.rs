//! What may be said of any JSON value.

use serde_json::Value;

/// Whether `value` nests at most `levels` deep. Stops at that depth, so no value can exhaust the stack.
pub fn fits(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| fits(item, levels - 1)),
        Value::Object(members) => levels > 0 && members.values().all(|member| fits(member, levels - 1)),
        _ => true,
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
