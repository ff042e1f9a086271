//! Attributes that belong to Miroir: added on the way to a node, removed on the way to a client.

use serde_json::{Map, Value};

/// The attribute that holds the shard of a document on a node. [`shard_value`](super::shard_value) writes it.
pub const SHARD_FIELD: &str = "_miroir_shard";

/// The objects inside a hit that repeat the names of its attributes.
const MIRRORS: [&str; 2] = ["_formatted", "_matchesPosition"];

/// Returns whether a top-level attribute belongs to Miroir.
pub fn is_reserved(attribute: &str) -> bool {
    attribute == SHARD_FIELD
}

/// Removes reserved attributes from one document, its `_formatted` and its `_matchesPosition`. The other
/// attributes keep their order.
pub fn strip_reserved(document: &mut Map<String, Value>) {
    document.shift_remove(SHARD_FIELD);
    for mirror in MIRRORS {
        if let Some(Value::Object(attributes)) = document.get_mut(mirror) {
            attributes.shift_remove(SHARD_FIELD);
        }
    }
}

/// Removes reserved names from the attribute lists that nodes print in error messages, and the shard filter
/// from a filter they repeat.
///
/// The lists read ``Available … are: `a`, `b`.`` or ``Available … are: `a, b`.``. A list that would be left
/// empty becomes the sentence of a node that has nothing to list.
pub fn strip_reserved_from_message(message: &str) -> String {
    let mut rest = message;
    let mut stripped = String::with_capacity(message.len());
    while let Some(start) = rest.find("Available ") {
        let (before, sentence) = rest.split_at(start);
        stripped.push_str(before);
        let Some((kind, list, after)) = split_list(sentence) else {
            let (word, after) = sentence.split_at("Available ".len());
            stripped.push_str(word);
            rest = after;
            continue;
        };
        stripped.push_str(&without_reserved(kind, list));
        rest = after;
    }
    stripped.push_str(rest);
    without_shard_filter(&stripped)
}

/// Cuts ``Available <kind> … are: <list>.<after>`` at its list. Returns `None` for another sentence.
fn split_list(sentence: &str) -> Option<(&str, &str, &str)> {
    let (head, tail) = sentence.split_once(" are: ")?;
    // The head of a real list is a few words. Anything else is text that begins with the same word.
    if head.contains(['`', '.', '\n']) || !tail.starts_with('`') {
        return None;
    }
    let end = tail.find("`.")? + 1;
    let list = &tail[..end];
    Some((head, list, &tail[end..]))
}

fn without_reserved(head: &str, list: &str) -> String {
    let quoted_one_by_one = list.contains("`, `");
    let (separator, inner) =
        if quoted_one_by_one { ("`, `", &list[1..list.len() - 1]) } else { (", ", list.trim_matches('`')) };
    let kept: Vec<&str> = inner.split(separator).filter(|name| !is_reserved(name)).collect();
    if kept.is_empty() {
        let kind = head.split(' ').nth(1).unwrap_or_default();
        return format!("This index does not have configured {kind} attributes");
    }
    format!("{head} are: `{}`", kept.join(separator))
}

/// Removes ` AND ("_miroir_shard" IN [...])`, after or before the client's filter, as nodes print the filter
/// they were sent.
fn without_shard_filter(message: &str) -> String {
    let mut text = message.to_owned();
    for quote in ["\"", ""] {
        let clause = format!("({quote}{SHARD_FIELD}{quote} IN [");
        while let Some(start) = text.find(&clause) {
            let Some(length) = text[start..].find("])") else { break };
            let mut cut = start..start + length + "])".len();
            if text[..cut.start].ends_with(" AND ") {
                cut.start -= " AND ".len();
            } else if text[cut.end..].starts_with(" AND ") {
                cut.end += " AND ".len();
            }
            text.replace_range(cut, "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strip_removes_the_attribute_everywhere_in_a_hit() {
        let mut hit = json!({
            "id": 1, "_miroir_shard": 4, "a": {"_miroir_shard": "the client's own"},
            "_formatted": {"id": "1", "_miroir_shard": "4"},
            "_matchesPosition": {"_miroir_shard": [], "id": []},
        });
        strip_reserved(hit.as_object_mut().unwrap());
        let expected = json!({
            "id": 1, "a": {"_miroir_shard": "the client's own"}, "_formatted": {"id": "1"}, "_matchesPosition": {"id": []},
        });
        assert_eq!(hit, expected);
    }

    #[test]
    fn strip_keeps_the_order_of_attributes() {
        let mut document: Map<String, Value> =
            serde_json::from_str(r#"{"_miroir_shard":1,"z":1,"a":2,"m":3}"#).unwrap();
        strip_reserved(&mut document);
        assert_eq!(serde_json::to_string(&document).unwrap(), r#"{"z":1,"a":2,"m":3}"#);
    }

    #[test]
    fn strip_leaves_mirrors_of_another_type_alone() {
        let mut document = json!({"_formatted": "text", "_matchesPosition": null});
        strip_reserved(document.as_object_mut().unwrap());
        assert_eq!(document, json!({"_formatted": "text", "_matchesPosition": null}));
    }

    #[test]
    fn strip_from_message_removes_the_name_anywhere_in_a_list() {
        // The left sides are messages of Meilisearch 1.50.
        let cases = [
            (
                "Index `q`: Attribute `t` is not filterable. Available filterable attribute patterns are: `_miroir_shard`, `genre`, `year`.\n2:3 \"t\" = \"1\"",
                "Index `q`: Attribute `t` is not filterable. Available filterable attribute patterns are: `genre`, `year`.\n2:3 \"t\" = \"1\"",
            ),
            (
                "Available filterable attribute patterns are: `_a`, `_miroir_shard`.",
                "Available filterable attribute patterns are: `_a`.",
            ),
            (
                "Pattern `t` is not filterable. Available filterable attributes patterns are: `_a, _miroir_shard, b`.",
                "Pattern `t` is not filterable. Available filterable attributes patterns are: `_a, b`.",
            ),
            (
                "Available searchable attributes are: `_miroir_shard, t`.",
                "Available searchable attributes are: `t`.",
            ),
            (
                "Attribute `t` is not sortable. Available sortable attributes are: `_miroir_shard`.",
                "Attribute `t` is not sortable. This index does not have configured sortable attributes.",
            ),
        ];
        for (message, expected) in cases {
            assert_eq!(strip_reserved_from_message(message), expected);
        }
    }

    #[test]
    fn strip_from_message_removes_the_shard_filter() {
        let cases = [
            ("3:4 (\"t\" = \"1\") AND (\"_miroir_shard\" IN [\"⁖\", \"⁘⁑\"])", "3:4 (\"t\" = \"1\")"),
            ("6:6 (_miroir_shard IN [1,2]) AND (t = )", "6:6 (t = )"),
            ("(_miroir_shard IN [1", "(_miroir_shard IN [1"),
        ];
        for (message, expected) in cases {
            assert_eq!(strip_reserved_from_message(message), expected);
        }
    }

    #[test]
    fn strip_from_message_keeps_other_messages() {
        for message in [
            "",
            "Index `movies` not found.",
            "Available ",
            "Available attributes are: none",
            "Available sortable attributes are: `a, b, <..hidden-attributes>`.",
            "Available `x` are: `_miroir_shard`.",
        ] {
            assert_eq!(strip_reserved_from_message(message), message);
        }
    }
}
