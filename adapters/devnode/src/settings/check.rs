//! Checks of a change of settings, before its task is accepted, with the server's messages.

use serde_json::{Map, Value, json};

use super::sub_route::SUB_ROUTES;
use crate::error::ApiError;
use crate::json::{known_fields, object, unknown_value, wrong_type};

const RULES: [&str; 8] =
    ["words", "typo", "sort", "proximity", "attribute", "attributeRank", "wordPosition", "exactness"];

/// Checks a settings object. Returns the change in the form that tasks show: with sorted sets and complete
/// patterns.
pub(crate) fn check(body: &Value) -> Result<Map<String, Value>, ApiError> {
    let keys: Vec<&str> = SUB_ROUTES.iter().map(|route| route.key).collect();
    let map = object(body, &keys)?;
    map.iter().map(|(key, value)| Ok((key.clone(), check_at(key, value, &format!(".{key}"))?))).collect()
}

/// Checks the value of one setting, sent to its own route.
pub(crate) fn check_one(key: &str, value: &Value) -> Result<Map<String, Value>, ApiError> {
    Ok(Map::from_iter([(key.to_owned(), check_at(key, value, "")?)]))
}

fn code_of(key: &str) -> String {
    let mut code = "invalid_settings_".to_owned();
    for character in key.chars() {
        if character.is_ascii_uppercase() {
            code.push('_');
        }
        code.push(character.to_ascii_lowercase());
    }
    code
}

fn check_at(key: &str, value: &Value, path: &str) -> Result<Value, ApiError> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let code = code_of(key);
    let code = code.as_str();
    match key {
        "displayedAttributes" | "searchableAttributes" => texts(value, path, code).map(Value::from),
        "sortableAttributes" | "stopWords" | "nonSeparatorTokens" | "separatorTokens" | "dictionary" => {
            texts(value, path, code).map(|items| sorted_set(&items, str::to_owned).into())
        }
        "filterableAttributes" => filterable(value, path, code),
        "rankingRules" => ranking_rules(value, path, code),
        "synonyms" => {
            let map = value.as_object().ok_or_else(|| wrong_type(path, "an object", value, code))?;
            for (word, synonyms) in map {
                texts(synonyms, &format!("{path}.{word}"), code)?;
            }
            Ok(value.clone())
        }
        "distinctAttribute" => typed(value, path, code, "a string", Value::is_string),
        "proximityPrecision" => word(value, path, code, &["byWord", "byAttribute"]),
        "prefixSearch" => word(value, path, code, &["indexingTime", "disabled"]),
        "facetSearch" => typed(value, path, code, "a boolean", Value::is_boolean),
        "searchCutoffMs" => typed(value, path, code, "a positive integer", Value::is_u64),
        "typoTolerance" => typo_tolerance(value, path, code),
        "faceting" => faceting(value, path, code),
        "pagination" => {
            let map = parts(value, path, code, &["maxTotalHits"])?;
            part(map, path, "maxTotalHits", code, "a positive integer", Value::is_u64)?;
            Ok(value.clone())
        }
        "embedders" => embedders(value, path, code),
        "chat" => typed(value, path, code, "an object", Value::is_object),
        _ => typed(value, path, code, "an array", Value::is_array),
    }
}

/// Refuses a key, even null, for vectors that clients compute.
fn embedders(value: &Value, path: &str, code: &str) -> Result<Value, ApiError> {
    let all = typed(value, path, code, "an object", Value::is_object)?;
    for (name, embedder) in all.as_object().into_iter().flatten() {
        if embedder["source"] == "userProvided" && embedder.get("apiKey").is_some() {
            let message = format!("`{path}.{name}`: Field `apiKey` unavailable for source `userProvided`.");
            return Err(ApiError::invalid(code, message));
        }
    }
    Ok(all)
}

fn typed(
    value: &Value,
    path: &str,
    code: &str,
    expected: &str,
    is_expected: impl Fn(&Value) -> bool,
) -> Result<Value, ApiError> {
    if is_expected(value) { Ok(value.clone()) } else { Err(wrong_type(path, expected, value, code)) }
}

fn word(value: &Value, path: &str, code: &str, expected: &[&str]) -> Result<Value, ApiError> {
    let text = value.as_str().ok_or_else(|| wrong_type(path, "a string", value, code))?;
    if expected.contains(&text) { Ok(value.clone()) } else { Err(unknown_value(path, text, expected, code)) }
}

fn texts(value: &Value, path: &str, code: &str) -> Result<Vec<Value>, ApiError> {
    let items = value.as_array().ok_or_else(|| wrong_type(path, "an array", value, code))?;
    for (index, item) in items.iter().enumerate() {
        typed(item, &format!("{path}[{index}]"), code, "a string", Value::is_string)?;
    }
    Ok(items.clone())
}

/// Returns the texts in order and without duplicates, after `normalize`.
pub(super) fn sorted_set(items: &[Value], normalize: impl Fn(&str) -> String) -> Vec<Value> {
    let mut texts: Vec<String> = items.iter().filter_map(Value::as_str).map(normalize).collect();
    texts.sort_unstable();
    texts.dedup();
    texts.into_iter().map(Value::from).collect()
}

fn filterable(value: &Value, path: &str, code: &str) -> Result<Value, ApiError> {
    let items = value.as_array().ok_or_else(|| wrong_type(path, "an array", value, code))?;
    let mut complete = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        complete.push(match item {
            Value::String(_) => item.clone(),
            Value::Object(map) => {
                known_fields(map, &path, &["attributePatterns", "features"], code)?;
                let patterns = map.get("attributePatterns").unwrap_or(&Value::Null);
                texts(patterns, &format!("{path}.attributePatterns"), code)?;
                let equality = &item["features"]["filter"]["equality"];
                let comparison = &item["features"]["filter"]["comparison"];
                json!({
                    "attributePatterns": patterns,
                    "features": {
                        "facetSearch": item["features"]["facetSearch"].as_bool().unwrap_or(false),
                        "filter": {
                            "equality": equality.as_bool().unwrap_or(true),
                            "comparison": comparison.as_bool().unwrap_or(false),
                        },
                    },
                })
            }
            other => return Err(wrong_type(&path, "a string or an object", other, code)),
        });
    }
    Ok(Value::Array(complete))
}

fn ranking_rules(value: &Value, path: &str, code: &str) -> Result<Value, ApiError> {
    for (index, item) in texts(value, path, code)?.iter().enumerate() {
        let rule = item.as_str().unwrap_or_default();
        let custom = rule.strip_suffix(":asc").or_else(|| rule.strip_suffix(":desc"));
        if RULES.contains(&rule) || custom.is_some_and(|attribute| !attribute.is_empty()) {
            continue;
        }
        let known = "Valid ranking rules are words, typo, sort, proximity, attribute, exactness and custom ranking rules.";
        let message =
            format!("Invalid value at `{path}[{index}]`: `{rule}` ranking rule is invalid. {known}");
        return Err(ApiError::invalid(code, message));
    }
    Ok(value.clone())
}

fn parts<'v>(
    value: &'v Value,
    path: &str,
    code: &str,
    allowed: &[&str],
) -> Result<&'v Map<String, Value>, ApiError> {
    let map = value.as_object().ok_or_else(|| wrong_type(path, "an object", value, code))?;
    known_fields(map, path, allowed, code)?;
    Ok(map)
}

fn part(
    map: &Map<String, Value>,
    path: &str,
    name: &str,
    code: &str,
    expected: &str,
    is_expected: impl Fn(&Value) -> bool,
) -> Result<(), ApiError> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(()),
        Some(value) => typed(value, &format!("{path}.{name}"), code, expected, is_expected).map(drop),
    }
}

fn typo_tolerance(value: &Value, path: &str, code: &str) -> Result<Value, ApiError> {
    let allowed =
        ["enabled", "minWordSizeForTypos", "disableOnWords", "disableOnAttributes", "disableOnNumbers"];
    let map = parts(value, path, code, &allowed)?;
    part(map, path, "enabled", code, "a boolean", Value::is_boolean)?;
    part(map, path, "disableOnNumbers", code, "a boolean", Value::is_boolean)?;
    for name in ["disableOnWords", "disableOnAttributes"] {
        if let Some(list) = map.get(name).filter(|list| !list.is_null()) {
            texts(list, &format!("{path}.{name}"), code)?;
        }
    }
    if let Some(sizes) = map.get("minWordSizeForTypos").filter(|sizes| !sizes.is_null()) {
        let path = format!("{path}.minWordSizeForTypos");
        let sizes = parts(sizes, &path, code, &["oneTypo", "twoTypos"])?;
        for name in ["oneTypo", "twoTypos"] {
            part(sizes, &path, name, code, "a positive integer", Value::is_u64)?;
            let Some(size) = sizes.get(name).and_then(Value::as_u64).filter(|size| *size > 255) else {
                continue;
            };
            let problem = "is too large to be deserialized, maximum value authorized is `255`";
            let message = format!("Invalid value at `{path}.{name}`: value: `{size}` {problem}");
            return Err(ApiError::invalid(code, message));
        }
    }
    Ok(value.clone())
}

fn faceting(value: &Value, path: &str, code: &str) -> Result<Value, ApiError> {
    let map = parts(value, path, code, &["maxValuesPerFacet", "sortFacetValuesBy"])?;
    part(map, path, "maxValuesPerFacet", code, "a positive integer", Value::is_u64)?;
    part(map, path, "sortFacetValuesBy", code, "an object", Value::is_object)?;
    if let Some(Value::Object(orders)) = map.get("sortFacetValuesBy") {
        for (attribute, order) in orders {
            word(order, &format!("{path}.sortFacetValuesBy.{attribute}"), code, &["alpha", "count"])?;
        }
    }
    Ok(value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_names_the_place_of_the_error() {
        let refusal = |body: Value| check(&body).unwrap_err();
        let wrong = refusal(json!({ "stopWords": [3] }));
        assert_eq!(wrong.code, "invalid_settings_stop_words");
        assert!(wrong.message.contains("`.stopWords[0]`"), "{}", wrong.message);
        let wrong = refusal(json!({ "typoTolerance": { "minWordSizeForTypos": { "oneTypo": 300 } } }));
        assert!(wrong.message.contains("`300` is too large"), "{}", wrong.message);
        assert_eq!(refusal(json!({ "foo": 1 })).code, "bad_request");
        let wrong = check_one("rankingRules", &json!(["foo"])).unwrap_err();
        assert!(wrong.message.starts_with("Invalid value at `[0]`: `foo` ranking rule"), "{}", wrong.message);
    }

    #[test]
    fn check_sorts_sets_and_fills_patterns() {
        let change = check(&json!({
            "sortableAttributes": ["b", "a", "b"],
            "filterableAttributes": ["z", { "attributePatterns": ["c_*"] }],
        }));
        let change = change.unwrap();
        assert_eq!(change["sortableAttributes"], json!(["a", "b"]));
        assert_eq!(change["filterableAttributes"][1]["features"]["filter"]["equality"], true);
    }
}
