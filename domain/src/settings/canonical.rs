//! The canonical form of settings: settings that mean the same have the same form, whatever their spelling.
//!
//! | spelling | canonical |
//! |---|---|
//! | order of keys and of sets, repetitions in them | sorted, each once |
//! | a default, written out or filled in by a server; null | left out |
//! | `*` among displayed or searchable attributes | left out, since it means all |
//! | a pattern of filterable attributes without all features | with all of them |
//! | `1.0` | `1` |
//!
//! The rules are those of Meilisearch 1.50: `check` and `settings` in `meilisearch-types/src/settings.rs`,
//! and the defaults of each source of embedders in `milli/src/vector`.

use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_128;

use super::default::without;
use super::details::ordered;
use super::nodes::for_client;
use super::secret::cut_keys_of_parts;
use super::shape::Shape;
use super::{Setting, embedder};

const ORDERS: &str = "sortFacetValuesBy";

/// Returns the canonical form of `settings`. Keys of embedders stay as they are.
pub fn canonical(settings: &Map<String, Value>) -> Map<String, Value> {
    let given = |setting: &Setting| Some((*setting, settings.get(setting.key())?));
    let value = |(setting, value)| Some((Setting::key(setting).to_owned(), canonical_value(setting, value)?));
    let mut all: Vec<_> = Setting::ALL.iter().filter_map(given).filter_map(value).collect();
    all.sort_by(|left, right| left.0.cmp(&right.0));
    all.into_iter().collect()
}

/// Returns the canonical form of the settings that a node shows, as clients see them and with every key cut.
pub fn canonical_of_node(settings_of_node: &Value) -> Map<String, Value> {
    let mut settings = match for_client(None, settings_of_node.clone()) {
        Value::Object(settings) => settings,
        _ => Map::new(),
    };
    cut_keys_of_parts(&mut settings);
    canonical(&settings)
}

/// Returns the hash of settings in canonical form, as 32 hexadecimal digits. Keys of embedders that are cut
/// count as they are shown.
pub fn settings_hash(canonical: &Map<String, Value>) -> String {
    let text = serde_json::to_string(canonical).unwrap_or_default();
    format!("{:032x}", xxh3_128(text.as_bytes()))
}

fn canonical_value(setting: Setting, value: &Value) -> Option<Value> {
    let value = without_nulls(setting.shape(), &ordered(setting.shape(), value))?;
    let value = sorted(normalized(setting, value));
    match setting {
        Setting::Embedders => embedder::without_defaults(value),
        _ => without(value, &default_of(setting)),
    }
}

fn normalized(setting: Setting, mut value: Value) -> Value {
    match setting {
        Setting::DisplayedAttributes | Setting::SearchableAttributes => {
            if let Value::Array(names) = &mut value {
                if names.contains(&json!("*")) {
                    return json!(["*"]);
                }
                let mut first = Vec::new();
                for name in names.drain(..) {
                    if !first.contains(&name) {
                        first.push(name);
                    }
                }
                *names = first;
            }
        }
        Setting::TypoTolerance => {
            if let Some(Value::Array(words)) = value.get_mut("disableOnWords") {
                let mut lower: Vec<String> =
                    words.iter().filter_map(Value::as_str).map(str::to_lowercase).collect();
                lower.sort_unstable();
                lower.dedup();
                *words = lower.into_iter().map(Value::String).collect();
            }
        }
        _ => {}
    }
    value
}

/// Returns the value that a server has where none was set: null where it has none. The fields of an object
/// have defaults of their own.
fn default_of(setting: Setting) -> Value {
    match setting {
        Setting::DisplayedAttributes | Setting::SearchableAttributes => json!(["*"]),
        Setting::RankingRules => {
            json!(["words", "typo", "proximity", "attributeRank", "sort", "wordPosition", "exactness"])
        }
        Setting::Synonyms => json!({}),
        Setting::ProximityPrecision => json!("byWord"),
        Setting::TypoTolerance => json!({
            "disableOnAttributes": [], "disableOnNumbers": false, "disableOnWords": [], "enabled": true,
            "minWordSizeForTypos": { "oneTypo": 5, "twoTypos": 9 },
        }),
        Setting::Faceting => json!({ "maxValuesPerFacet": 100, ORDERS: { "*": "alpha" } }),
        Setting::Pagination => json!({ "maxTotalHits": 1_000 }),
        Setting::FacetSearch => json!(true),
        Setting::PrefixSearch => json!("indexingTime"),
        Setting::Chat => json!({
            "description": "", "documentTemplate": embedder::TEMPLATE,
            "documentTemplateMaxBytes": embedder::TEMPLATE_BYTES, "searchParameters": {},
        }),
        Setting::DistinctAttribute | Setting::SearchCutoffMs | Setting::LocalizedAttributes => Value::Null,
        _ => json!([]),
    }
}

/// Returns `value` without the nulls that reset a part of its shape. Returns `None` for null itself.
fn without_nulls(shape: &Shape, value: &Value) -> Option<Value> {
    let Value::Object(fields) = value else { return (!value.is_null()).then(|| value.clone()) };
    let part = |key: &str, value: &Value| match shape {
        Shape::Map { value: shape, .. } => without_nulls(shape, value),
        Shape::Object(fields) => {
            let field = fields.iter().find(|field| field.name == key);
            field.map_or_else(|| Some(value.clone()), |field| without_nulls(field.shape, value))
        }
        // `request` and `response` of an embedder may contain nulls that mean something.
        Shape::Any => Some(value.clone()),
        _ => (!value.is_null()).then(|| value.clone()),
    };
    let left = fields.iter().filter_map(|(key, value)| Some((key.clone(), part(key, value)?)));
    Some(Value::Object(left.collect()))
}

/// Returns `value` with the keys of all objects in order, and whole numbers without a fraction.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            fields.sort_by(|left, right| left.0.cmp(&right.0));
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        Value::Number(number) => whole(&number).map_or(Value::Number(number), Value::from),
        value => value,
    }
}

/// Returns the whole number that a number with a fraction of zero is.
fn whole(number: &serde_json::Number) -> Option<i64> {
    /// Whole numbers up to this bound are exact in a float.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float =
        number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0 && float.abs() <= EXACT)?;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number within the bound is exact")]
    Some(float as i64)
}
