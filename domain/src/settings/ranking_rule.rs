//! The valid ranking rules: built-in ones, and attributes to sort by.

use serde_json::Value;

use crate::wording::{VALUE_CHARS, excerpt};

const BUILT_IN: &[&str] =
    &["words", "typo", "proximity", "attribute", "attributeRank", "wordPosition", "sort", "exactness"];

/// Returns the attribute of a rule `attribute:asc` or `attribute:desc`. Returns `None` for other text.
pub(super) fn sorted_attribute(rule: &str) -> Option<&str> {
    rule.strip_suffix(":asc").or_else(|| rule.strip_suffix(":desc"))
}

/// Checks that `rule` is a ranking rule. The error is Meilisearch's sentence.
pub(super) fn check(rule: &str) -> Result<(), String> {
    if BUILT_IN.contains(&rule) {
        return Ok(());
    }
    let Some(attribute) = sorted_attribute(rule) else {
        return Err(format!(
            "`{}` ranking rule is invalid. Valid ranking rules are words, typo, sort, proximity, attribute, \
             exactness and custom ranking rules.",
            excerpt(rule, VALUE_CHARS)
        ));
    };
    let reserved = |name: &str| {
        let name = excerpt(name, VALUE_CHARS);
        format!("`{name}` is a reserved keyword and thus can't be used as a ranking rule")
    };
    // Geo points and geo areas are for searches only; any text that begins like a call of one counts as one.
    for (call, use_of_it) in
        [("_geoPoint", "sorting"), ("_geoRadius", "filtering"), ("_geoBoundingBox", "filtering")]
    {
        if attribute == call || attribute.starts_with(&format!("{call}(")) {
            return Err(format!(
                "{}. `{call}` can only be used for {use_of_it} at search time",
                reserved(call)
            ));
        }
    }
    let is_geo = ["_geo", "_geojson", "_geoDistance", "_geoPolygon"].contains(&attribute)
        || ["_geo(", "_geoDistance("].iter().any(|call| attribute.starts_with(call));
    if is_geo { Err(reserved(attribute)) } else { Ok(()) }
}

/// Refuses `attribute` beside the two rules into which it was split.
pub(super) fn refuse_mixed(rules: &Value) -> Result<(), String> {
    let has = |name: &str| rules.as_array().is_some_and(|rules| rules.iter().any(|rule| rule == name));
    if has("attribute") && (has("attributeRank") || has("wordPosition")) {
        return Err(
            "Mixed usage of the attribute, attributeRank, and wordPosition ranking rules. You must either \
                    use the attribute ranking rule alone or the attributeRank and wordPosition ranking rules."
                .to_owned(),
        );
    }
    Ok(())
}
