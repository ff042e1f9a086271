//! Attributes that the merge needs and the client did not request: added to the request, removed from the
//! hits.

use serde_json::{Map, Value};

use super::hit::Hit;
use super::path;

/// The attributes added to a request for the merge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Extras {
    attributes: Vec<Extra>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Extra {
    attribute: String,
    /// True if the client requests the attribute formatted, so that `_formatted` shows it whether or not it
    /// is retrieved.
    stays_formatted: bool,
}

impl Extras {
    /// Returns the attributes of `needed` that the client's `attributesToRetrieve` leaves out.
    pub(super) fn of<'a>(body: &Map<String, Value>, needed: impl IntoIterator<Item = &'a str>) -> Self {
        let Some(Value::Array(retrieved)) = body.get("attributesToRetrieve") else {
            return Self::default();
        };
        let retrieved: Vec<&str> = retrieved.iter().filter_map(Value::as_str).collect();
        if retrieved.contains(&"*") {
            return Self::default();
        }
        let mut extras = Self::default();
        for attribute in needed {
            // If the client requested a part of the attribute, retrieving the whole could not be undone.
            let known = retrieved
                .iter()
                .any(|requested| path::covers(requested, attribute) || path::covers(attribute, requested))
                || extras.attributes.iter().any(|extra| extra.attribute == attribute);
            if !known {
                let stays_formatted = is_formatted(body, attribute);
                extras.attributes.push(Extra { attribute: attribute.to_owned(), stays_formatted });
            }
        }
        extras
    }

    /// Adds the attributes to a node's request.
    pub(super) fn add_to(&self, body: &mut Map<String, Value>) {
        if let Some(Value::Array(retrieved)) = body.get_mut("attributesToRetrieve") {
            retrieved.extend(self.attributes.iter().map(|extra| Value::String(extra.attribute.clone())));
        }
    }

    /// Removes the attributes from a hit.
    pub(super) fn remove_from(&self, hit: &mut Hit) {
        for extra in &self.attributes {
            path::remove(hit, &extra.attribute);
            if extra.stays_formatted {
                continue;
            }
            if let Some(Value::Object(formatted)) = hit.get_mut("_formatted") {
                path::remove(formatted, &extra.attribute);
                // A server leaves an empty `_formatted` out.
                if formatted.is_empty() {
                    hit.shift_remove("_formatted");
                }
            }
        }
    }
}

/// Returns whether the client requested `attribute` to be highlighted or cropped, by its name, by a part of
/// it or by `*`.
fn is_formatted(body: &Map<String, Value>, attribute: &str) -> bool {
    let names =
        |key: &str| body.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    // `attributesToCrop` can hold `name:length`.
    let cropped = names("attributesToCrop").map(|name| name.rsplit_once(':').map_or(name, |(name, _)| name));
    names("attributesToHighlight")
        .chain(cropped)
        .any(|name| name == "*" || path::covers(name, attribute) || path::covers(attribute, name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn round(body: Value, needed: &[&str], hit: Value) -> (Value, Value) {
        let (Value::Object(mut body), Value::Object(mut hit)) = (body, hit) else { panic!("objects") };
        let extras = Extras::of(&body, needed.iter().copied());
        extras.add_to(&mut body);
        extras.remove_from(&mut hit);
        (body.get("attributesToRetrieve").cloned().unwrap_or_default(), Value::Object(hit))
    }

    #[test]
    fn extras_are_added_and_removed_again() {
        let (sent, left) = round(
            json!({"attributesToRetrieve": ["t"]}),
            &["id", "sku", "id"],
            json!({"id": 1, "t": 2, "sku": 3}),
        );
        assert_eq!((sent, left), (json!(["t", "id", "sku"]), json!({"t": 2})));
    }

    #[test]
    fn empty_list_leaves_empty_hits() {
        let (sent, left) = round(json!({"attributesToRetrieve": []}), &["id"], json!({"id": 1}));
        assert_eq!((sent, left), (json!(["id"]), json!({})));
    }

    #[test]
    fn nothing_is_added_if_everything_or_the_attribute_is_requested() {
        for requested in
            [json!(["*"]), json!(["t", "*"]), json!(["a"]), json!(["a.id"]), json!(["a.id.x"]), json!(null)]
        {
            let (sent, left) =
                round(json!({"attributesToRetrieve": requested}), &["a.id"], json!({"a": {"id": 1, "b": 2}}));
            assert_eq!((sent, left), (requested, json!({"a": {"id": 1, "b": 2}})));
        }
    }

    #[test]
    fn nested_attribute_is_removed_without_its_siblings() {
        let (_, left) = round(
            json!({"attributesToRetrieve": ["a.c"]}),
            &["a.id"],
            json!({"a": {"id": 1, "c": 2}, "_formatted": {"a": {"id": "1"}}}),
        );
        assert_eq!(left, json!({"a": {"c": 2}}));
    }

    #[test]
    fn formatted_keeps_the_attribute_only_if_the_client_formats_it() {
        let hit = json!({"id": 1, "_formatted": {"id": "1", "t": "x"}});
        for formats in [
            json!({"attributesToRetrieve": [], "attributesToHighlight": ["*"]}),
            json!({"attributesToRetrieve": [], "attributesToHighlight": ["id"]}),
            json!({"attributesToRetrieve": [], "attributesToCrop": ["id:3"]}),
        ] {
            assert_eq!(round(formats, &["id"], hit.clone()).1, json!({"_formatted": {"id": "1", "t": "x"}}));
        }
        let highlights_another = json!({"attributesToRetrieve": [], "attributesToHighlight": ["t"]});
        assert_eq!(round(highlights_another, &["id"], hit).1, json!({"_formatted": {"t": "x"}}));
    }
}
