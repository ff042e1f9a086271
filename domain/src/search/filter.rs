//! The client's filter, and the shards of a node joined to it by AND.

use serde_json::Value;

use crate::ShardSet;
use crate::document::shard_filter;
use crate::wording::{VALUE_CHARS, excerpt};

/// Checks that a filter has one of the shapes that Meilisearch reads: a string, or an array (AND) of strings
/// and of arrays (OR) of strings. The nodes check the strings. Errors are Meilisearch's sentences.
pub(super) fn check(filter: &Value) -> Result<(), String> {
    match filter {
        Value::String(_) => Ok(()),
        Value::Array(all) => all.iter().try_for_each(check_conjunct),
        other => Err(wrong_syntax("String, Array", other)),
    }
}

fn check_conjunct(conjunct: &Value) -> Result<(), String> {
    match conjunct {
        Value::String(_) => Ok(()),
        Value::Array(any) => match any.iter().find(|filter| !filter.is_string()) {
            None => Ok(()),
            Some(other) => Err(wrong_syntax("String", other)),
        },
        other => Err(wrong_syntax("String, [String]", other)),
    }
}

fn wrong_syntax(expected: &str, found: &Value) -> String {
    let found = excerpt(found, VALUE_CHARS);
    format!("Invalid syntax for the filter parameter: `expected {expected}, found: {found}`.")
}

/// Returns the client's filter with the clause of `shards` joined to it by AND.
///
/// The clause is a filter of its own in the outer array instead of a part of the client's text. So nothing in
/// that text, not even an unbalanced parenthesis, can affect it.
pub fn with_shards(client: Option<&Value>, shards: &ShardSet) -> Value {
    let clause = Value::String(shard_filter(shards));
    match client {
        None | Some(Value::Null) => clause,
        Some(Value::Array(all)) if all.is_empty() => clause,
        Some(Value::Array(all)) => all.iter().cloned().chain([clause]).collect(),
        Some(filter) => Value::Array(vec![filter.clone(), clause]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Shard;

    #[test]
    fn with_shards_joins_the_clause_to_every_shape_of_filter() {
        let shards: ShardSet = [Shard(4), Shard(1)].into_iter().collect();
        let clause = r#"_miroir_shard IN ["⁖", "⁚"]"#;
        for (client, expected) in [
            (None, json!(clause)),
            (Some(json!(null)), json!(clause)),
            (Some(json!([])), json!(clause)),
            (Some(json!("")), json!(["", clause])),
            (Some(json!("a = 1 OR b = 2")), json!(["a = 1 OR b = 2", clause])),
            (Some(json!(["a = 1", ["b = 1", "b = 2"]])), json!(["a = 1", ["b = 1", "b = 2"], clause])),
            (Some(json!([[]])), json!([[], clause])),
        ] {
            assert_eq!(with_shards(client.as_ref(), &shards), expected);
        }
    }

    #[test]
    fn with_shards_matches_no_document_for_no_shards() {
        assert_eq!(with_shards(None, &ShardSet::default()), json!("_miroir_shard IN []"));
    }

    #[test]
    fn check_refuses_filters_that_servers_refuse() {
        for (filter, expected) in [
            (json!(3), "String, Array, found: 3"),
            (json!({"a": 1}), "String, Array, found: {\"a\":1}"),
            (json!([1]), "String, [String], found: 1"),
            (json!([null]), "String, [String], found: null"),
            (json!(["a", ["b", ["c"]]]), "String, found: [\"c\"]"),
        ] {
            let sentence = format!("Invalid syntax for the filter parameter: `expected {expected}`.");
            assert_eq!(check(&filter), Err(sentence));
        }
        for good in [json!(""), json!([]), json!([[]]), json!(["a", ["b"]])] {
            assert_eq!(check(&good), Ok(()));
        }
    }
}
