//! As much of Meilisearch's filters as the tests need: `a = v`, `a IN ["v", …]` and `a NOT IN ["v", …]`, in
//! arrays of AND and OR.

use serde_json::{Map, Value};

/// Returns whether `filter` admits `document`, or an error when it names an attribute that is not filterable.
pub fn admits(filter: &Value, filterable: &[Value], document: &Map<String, Value>) -> Result<bool, String> {
    match filter {
        Value::Null => Ok(true),
        Value::String(text) => clause_admits(text, filterable, document),
        Value::Array(all) => {
            let mut result = true;
            for part in all {
                result &= match part {
                    Value::Array(any) => {
                        let mut found = any.is_empty();
                        for one in any {
                            found |= admits(one, filterable, document)?;
                        }
                        found
                    }
                    one => admits(one, filterable, document)?,
                };
            }
            Ok(result)
        }
        other => Err(format!("a filter cannot be {other}")),
    }
}

fn clause_admits(text: &str, filterable: &[Value], document: &Map<String, Value>) -> Result<bool, String> {
    let (attribute, wanted) = if let Some((attribute, list)) = text.split_once(" IN ") {
        let wanted: Vec<Value> = serde_json::from_str(list).map_err(|error| error.to_string())?;
        if let Some(attribute) = attribute.strip_suffix(" NOT") {
            let filter = format!("{attribute} IN {list}");
            return Ok(!clause_admits(&filter, filterable, document)?);
        }
        (attribute, wanted)
    } else {
        let (attribute, value) = text.split_once(" = ").ok_or_else(|| format!("cannot read `{text}`"))?;
        (attribute, vec![Value::String(value.to_owned())])
    };
    if !filterable.iter().any(|name| name == attribute) {
        return Err(format!("Attribute `{attribute}` is not filterable."));
    }
    Ok(document.get(attribute).is_some_and(|value| wanted.contains(value)))
}
