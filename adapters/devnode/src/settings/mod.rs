//! Index settings: defaults, changes, and their meaning for searches.

mod check;
mod embedder;
mod sub_route;

use serde_json::{Map, Value, json};

pub(crate) use check::{check, check_one};
pub(crate) use sub_route::SUB_ROUTES;

/// Settings that only their own route shows.
const HIDDEN_KEYS: [&str; 2] = ["foreignKeys", "chat"];

/// Returns the change that resets everything, as the server's tasks show it.
pub(crate) fn full_reset() -> Map<String, Value> {
    let all = json!(["*"]);
    let reset = |key: &str| match key {
        "displayedAttributes" | "searchableAttributes" => all.clone(),
        _ => Value::Null,
    };
    SUB_ROUTES.iter().map(|route| (route.key.to_owned(), reset(route.key))).collect()
}

/// Cuts the keys of embedders in settings that are shown.
pub(crate) fn hide_keys(settings: &mut Map<String, Value>) {
    if let Some(embedders) = settings.get_mut("embedders") {
        embedder::hide_keys(embedders);
    }
}

fn default_of(key: &str) -> Value {
    match key {
        "displayedAttributes" | "searchableAttributes" => json!(["*"]),
        "rankingRules" => {
            json!(["words", "typo", "proximity", "attributeRank", "sort", "wordPosition", "exactness"])
        }
        "synonyms" | "embedders" => json!({}),
        "distinctAttribute" | "searchCutoffMs" | "localizedAttributes" => Value::Null,
        "proximityPrecision" => json!("byWord"),
        "typoTolerance" => json!({
            "enabled": true,
            "minWordSizeForTypos": { "oneTypo": 5, "twoTypos": 9 },
            "disableOnWords": [],
            "disableOnAttributes": [],
            "disableOnNumbers": false,
        }),
        "faceting" => json!({ "maxValuesPerFacet": 100, "sortFacetValuesBy": { "*": "alpha" } }),
        "pagination" => json!({ "maxTotalHits": 1000 }),
        "facetSearch" => json!(true),
        "prefixSearch" => json!("indexingTime"),
        "chat" => json!({
            "description": "",
            "documentTemplate": "{% for field in fields %}{% if field.is_searchable and field.value != nil %}\
                                 {{ field.name }}: {{ field.value }}\n{% endif %}{% endfor %}",
            "documentTemplateMaxBytes": 400,
            "searchParameters": {},
        }),
        _ => json!([]),
    }
}

/// The settings of an index, complete.
#[derive(Debug, Clone)]
pub(crate) struct Settings(Map<String, Value>);

impl Default for Settings {
    fn default() -> Self {
        Self(SUB_ROUTES.iter().map(|route| (route.key.to_owned(), default_of(route.key))).collect())
    }
}

impl Settings {
    /// Returns one setting by its key.
    pub(crate) fn get(&self, key: &str) -> &Value {
        self.0.get(key).unwrap_or(&Value::Null)
    }

    /// Returns the settings object of `GET /indexes/{uid}/settings`.
    pub(crate) fn view(&self) -> Value {
        let shown = self.0.keys().filter(|key| !HIDDEN_KEYS.contains(&key.as_str()));
        Value::Object(shown.map(|key| (key.clone(), self.shown(key))).collect())
    }

    /// Returns one setting as its route shows it.
    pub(crate) fn shown(&self, key: &str) -> Value {
        let mut settings = Map::from_iter([(key.to_owned(), self.get(key).clone())]);
        hide_keys(&mut settings);
        settings.remove(key).unwrap_or_default()
    }

    /// Applies a change that passed `check`. `null` resets a setting, or a part of an object.
    pub(crate) fn apply(&mut self, change: &Map<String, Value>) {
        for (key, value) in change {
            let old = self.get(key).clone();
            let new = match (key.as_str(), value) {
                (_, Value::Null) => default_of(key),
                ("synonyms", value) => value.clone(),
                ("embedders", Value::Object(parts)) => {
                    embedder::apply(old, parts, &default_of("chat")["documentTemplate"])
                }
                ("faceting", Value::Object(parts)) => faceting(old, parts),
                (_, Value::Object(parts)) => merged(old, parts, &default_of(key)),
                (_, value) => value.clone(),
            };
            self.0.insert(key.clone(), new);
        }
        if let Some(Value::Array(words)) =
            self.0.get_mut("typoTolerance").and_then(|typo| typo.get_mut("disableOnWords"))
        {
            *words = check::sorted_set(words, str::to_lowercase);
        }
    }

    /// Returns a list of texts.
    pub(crate) fn texts(&self, key: &str) -> Vec<&str> {
        self.get(key).as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Returns the patterns of attributes that may be filtered, sorted.
    pub(crate) fn filterable_patterns(&self) -> Vec<&str> {
        let mut patterns = Vec::new();
        for item in self.get("filterableAttributes").as_array().into_iter().flatten() {
            match item {
                Value::String(pattern) => patterns.push(pattern.as_str()),
                object => patterns.extend(
                    object["attributePatterns"].as_array().into_iter().flatten().filter_map(Value::as_str),
                ),
            }
        }
        patterns.sort_unstable();
        patterns.dedup();
        patterns
    }

    /// Returns the sentence about the attributes that may be filtered, as searches word it.
    pub(crate) fn filterable_advice(&self) -> String {
        let patterns = self.filterable_patterns();
        if patterns.is_empty() {
            "This index does not have configured filterable attributes.".to_owned()
        } else {
            format!("Available filterable attributes patterns are: `{}`.", patterns.join(", "))
        }
    }

    /// Returns whether an attribute may be filtered. That includes attributes above or below a filterable
    /// one.
    pub(crate) fn is_filterable(&self, attribute: &str) -> bool {
        self.filterable_patterns().iter().any(|pattern| pattern_covers(pattern, attribute))
    }

    /// Returns whether an attribute may be sorted by.
    pub(crate) fn is_sortable(&self, attribute: &str) -> bool {
        self.texts("sortableAttributes").iter().any(|pattern| pattern_covers(pattern, attribute))
    }

    /// Returns whether responses show an attribute.
    pub(crate) fn is_displayed(&self, attribute: &str) -> bool {
        self.texts("displayedAttributes").iter().any(|pattern| pattern_covers(pattern, attribute))
    }

    /// Returns the rank of an attribute path among the searchable ones. Returns `None` if it is not
    /// searchable. If all attributes are searchable, all have the first rank.
    pub(crate) fn searchable_rank(&self, attribute: &str) -> Option<usize> {
        self.texts("searchableAttributes").iter().position(|pattern| pattern_covers(pattern, attribute))
    }

    /// Returns a number inside an object setting.
    pub(crate) fn number(&self, key: &str, part: &str) -> usize {
        self.get(key)[part].as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or(usize::MAX)
    }
}

/// Returns whether a pattern covers an attribute: the same name, a parent object, or `*` at either end.
pub(crate) fn pattern_covers(pattern: &str, attribute: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        _ if pattern == "*" => true,
        (Some(rest), Some(_)) => attribute.contains(rest.trim_end_matches('*')),
        (Some(end), None) => attribute.ends_with(end),
        (None, Some(start)) => attribute.starts_with(start),
        (None, None) => {
            attribute == pattern || attribute.strip_prefix(pattern).is_some_and(|rest| rest.starts_with('.'))
        }
    }
}

fn merged(old: Value, parts: &Map<String, Value>, default: &Value) -> Value {
    let mut map = match old {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    for (key, value) in parts {
        let default = &default[key];
        let new = match value {
            Value::Null => default.clone(),
            Value::Object(inner) => merged(map.get(key).cloned().unwrap_or_default(), inner, default),
            value => value.clone(),
        };
        map.insert(key.clone(), new);
    }
    Value::Object(map)
}

/// Merges a change of `faceting`. The order of facet values is replaced as a whole, and `*` always has one.
fn faceting(old: Value, parts: &Map<String, Value>) -> Value {
    let mut parts = parts.clone();
    let mut faceting = old;
    if let Some(Value::Object(orders)) = parts.remove("sortFacetValuesBy") {
        let mut complete = Map::from_iter([("*".to_owned(), json!("alpha"))]);
        complete.extend(orders);
        faceting["sortFacetValuesBy"] = Value::Object(complete);
    }
    merged(faceting, &parts, &default_of("faceting"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(value: &Value) -> Map<String, Value> {
        check(value).unwrap()
    }

    #[test]
    fn apply_merges_parts_and_null_resets() {
        let mut settings = Settings::default();
        settings.apply(&change(&json!({
            "typoTolerance": { "minWordSizeForTypos": { "oneTypo": 3 }, "disableOnWords": ["B", "a"] },
            "stopWords": ["the"],
        })));
        let typo = settings.get("typoTolerance");
        assert_eq!(typo["minWordSizeForTypos"], json!({ "oneTypo": 3, "twoTypos": 9 }));
        assert_eq!(typo["disableOnWords"], json!(["a", "b"]));
        assert_eq!(settings.texts("stopWords"), ["the"]);
        settings
            .apply(&change(&json!({ "typoTolerance": { "minWordSizeForTypos": null }, "stopWords": null })));
        assert_eq!(
            settings.get("typoTolerance")["minWordSizeForTypos"],
            json!({ "oneTypo": 5, "twoTypos": 9 })
        );
        assert_eq!(settings.texts("stopWords"), Vec::<&str>::new());
        settings.apply(&full_reset());
        assert_eq!(settings.view(), Settings::default().view());
    }

    #[test]
    fn pattern_covers_names_parents_and_wildcards() {
        assert!(pattern_covers("a", "a"));
        assert!(pattern_covers("a", "a.b"));
        assert!(!pattern_covers("a", "ab"));
        assert!(!pattern_covers("a.b", "a"));
        assert!(pattern_covers("a*", "ab"));
        assert!(pattern_covers("*_x", "b_x"));
        assert!(pattern_covers("*", "anything"));
    }
}
