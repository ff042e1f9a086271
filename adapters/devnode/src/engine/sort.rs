//! Sorting by attributes: `attribute:asc` and `attribute:desc`.

use std::cmp::Ordering;

use serde_json::Value;

use super::filter::fold_facet;
use crate::document::Document;
use crate::error::ApiError;
use crate::settings::Settings;

/// One attribute to sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sort {
    /// The attribute path.
    pub(crate) attribute: String,
    /// True if small values come first.
    pub(crate) ascending: bool,
}

impl Sort {
    /// Reads `attribute:asc` or `attribute:desc`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (attribute, ascending) = match text.rsplit_once(':')? {
            (attribute, "asc") => (attribute, true),
            (attribute, "desc") => (attribute, false),
            _ => return None,
        };
        Some(Self { attribute: attribute.to_owned(), ascending })
    }

    /// Returns its name in score details.
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.attribute, if self.ascending { "asc" } else { "desc" })
    }

    /// Returns the value by which a document is sorted: the best of several, or `null` if there is none.
    pub(crate) fn value(&self, document: &Document) -> Value {
        let scalars = document.scalars_at(&self.attribute).into_iter().filter_map(|value| match value {
            Value::Number(number) => number.as_f64().map(Value::from),
            Value::String(text) => Some(fold_facet(text)).filter(|text| !text.is_empty()).map(Value::from),
            Value::Bool(boolean) => Some(Value::from(boolean.to_string())),
            _ => None,
        });
        scalars.min_by(|left, right| compare_values(self.ascending, left, right)).unwrap_or(Value::Null)
    }
}

/// Reads a list of sorts.
pub(crate) fn parse(sorts: &[String], code: &str) -> Result<Vec<Sort>, ApiError> {
    let read = |text: &String| {
        Sort::read(text).ok_or_else(|| {
            let rule = "expected expression ending by `:asc` or `:desc`";
            ApiError::invalid(code, format!("Invalid syntax for the sort parameter: {rule}, found `{text}`."))
        })
    };
    sorts.iter().map(read).collect()
}

/// Refuses attributes that may not be sorted by.
pub(crate) fn check(sorts: &[Sort], settings: &Settings, code: &str) -> Result<(), ApiError> {
    let Some(bad) = sorts.iter().find(|sort| !settings.is_sortable(&sort.attribute)) else { return Ok(()) };
    let sortable = settings.texts("sortableAttributes");
    let advice = if sortable.is_empty() {
        "This index does not have configured sortable attributes.".to_owned()
    } else {
        format!("Available sortable attributes are: `{}`.", sortable.join(", "))
    };
    Err(ApiError::invalid(code, format!("Attribute `{}` is not sortable. {advice}", bad.attribute)))
}

/// Compares two documents.
pub(crate) fn compare(sorts: &[Sort], left: &Document, right: &Document) -> Ordering {
    let orders =
        sorts.iter().map(|sort| compare_values(sort.ascending, &sort.value(left), &sort.value(right)));
    orders.fold(Ordering::Equal, Ordering::then)
}

/// Compares two sort values: numbers first, then texts, then `null`. `ascending` applies within each kind.
pub(crate) fn compare_values(ascending: bool, left: &Value, right: &Value) -> Ordering {
    let turned = |order: Ordering| if ascending { order } else { order.reverse() };
    let kind = |value: &Value| match value {
        Value::Number(_) => 0,
        Value::Null => 2,
        _ => 1,
    };
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            turned(left.as_f64().unwrap_or(0.0).total_cmp(&right.as_f64().unwrap_or(0.0)))
        }
        (Value::String(left), Value::String(right)) => turned(left.cmp(right)),
        _ => kind(left).cmp(&kind(right)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_precede_texts_and_null_is_last() {
        for ascending in [true, false] {
            assert_eq!(compare_values(ascending, &json!(1), &json!("a")), Ordering::Less);
            assert_eq!(compare_values(ascending, &json!("a"), &json!(null)), Ordering::Less);
        }
        assert_eq!(compare_values(true, &json!(1), &json!(2)), Ordering::Less);
        assert_eq!(compare_values(false, &json!(1), &json!(2)), Ordering::Greater);
    }

    #[test]
    fn value_takes_the_best_of_several() {
        let document: Document = serde_json::from_str(r#"{"a":[3,1,2]}"#).unwrap();
        assert_eq!(Sort::read("a:asc").unwrap().value(&document), json!(1.0));
        assert_eq!(Sort::read("a:desc").unwrap().value(&document), json!(3.0));
        assert_eq!(Sort::read("b:desc").unwrap().value(&document), json!(null));
        assert_eq!(Sort::read("a:up"), None);
    }
}
