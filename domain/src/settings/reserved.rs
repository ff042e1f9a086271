//! Refusing settings that would affect the attribute that Miroir adds to documents.

use serde_json::Value;

use super::{Setting, ranking_rule};
use crate::document::{SHARD_DIGITS, is_reserved};
use crate::error::{ErrorCode, InvalidRequest};

/// Refuses a well-shaped value of `setting` that names a reserved attribute, or that makes words of the
/// characters in which shard numbers are written.
pub(super) fn refuse(setting: Setting, value: &Value) -> Result<(), InvalidRequest> {
    let key = setting.key();
    if let Some(name) = attributes(setting, value).into_iter().find(|name| is_reserved(root(name))) {
        return Err(InvalidRequest::new(
            ErrorCode::MiroirReservedField,
            format!("`{key}` must not name the attribute `{name}`: the attribute is reserved for Miroir"),
        ));
    }
    if !matches!(setting, Setting::NonSeparatorTokens | Setting::Dictionary) {
        return Ok(());
    }
    match texts(value).into_iter().find(|token| token.contains(SHARD_DIGITS)) {
        Some(token) => Err(InvalidRequest::new(
            ErrorCode::MiroirReservedField,
            format!(
                "`{key}` must not hold `{token}`: Miroir writes shard numbers in the characters {}, and they must \
                 stay separators",
                SHARD_DIGITS.map(|digit| format!("`{digit}`")).join(", ")
            ),
        )),
        None => Ok(()),
    }
}

/// Returns the top-level attribute of a path into an object.
fn root(path: &str) -> &str {
    path.split_once('.').map_or(path, |(root, _)| root)
}

/// Returns the attributes that a value of `setting` names.
fn attributes(setting: Setting, value: &Value) -> Vec<&str> {
    match setting {
        Setting::DisplayedAttributes
        | Setting::SearchableAttributes
        | Setting::SortableAttributes
        | Setting::DistinctAttribute => texts(value),
        Setting::FilterableAttributes => {
            let mut names = texts(value);
            names.extend(texts_of_each(value, "attributePatterns"));
            names
        }
        Setting::LocalizedAttributes => texts_of_each(value, "attributePatterns"),
        Setting::ForeignKeys => texts_of_each(value, "fieldName"),
        Setting::TypoTolerance => texts(&value["disableOnAttributes"]),
        Setting::RankingRules => {
            texts(value).into_iter().filter_map(ranking_rule::sorted_attribute).collect()
        }
        Setting::Faceting => {
            let sorted = value["sortFacetValuesBy"].as_object();
            sorted.map(|facets| facets.keys().map(String::as_str).collect()).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// Returns the value itself if it is text, or the items of an array that are.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn texts_of_each<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
    list.as_array().into_iter().flatten().flat_map(|item| texts(&item[key])).collect()
}
