//! An operator's change of an alias, checked as far as possible without the registry.

use serde_json::{Map, Value};

use super::{Alias, AliasTarget};
use crate::error::{ErrorCode, InvalidRequest};
use crate::{IndexUid, wording};

/// The maximum number of indexes of one alias: each is a fan-out of its own.
const MAX_TARGETS: usize = 50;

/// A new target for an alias.
///
/// # Examples
///
/// ```
/// use miroir_domain::Timestamp;
/// use miroir_domain::alias::{Alias, AliasChange, AliasTarget};
/// use serde_json::json;
///
/// let alias = Alias {
///     name: "films".parse()?,
///     target: AliasTarget::Single("films-2025".parse()?),
///     version: 1,
///     created_at: Timestamp::from_millis(0),
///     history: Vec::new(),
/// };
/// let change = AliasChange::from_json(json!({"target": "films-2026"}))?;
/// change.check(&alias)?;
/// let flipped = alias.flipped(change.target, Timestamp::from_millis(1_000), 10);
/// assert_eq!(flipped.history[0].target, AliasTarget::Single("films-2025".parse()?));
///
/// // An alias of one index stays one.
/// let change = AliasChange::from_json(json!({"targets": ["films-2025", "films-2026"]}))?;
/// assert!(change.check(&flipped).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasChange {
    /// The new target.
    pub target: AliasTarget,
    /// True if every target must be an existing index. The default.
    pub require_target_exists: bool,
}

/// An alias that does not exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAlias {
    /// Its name.
    pub name: IndexUid,
    /// Its target.
    pub change: AliasChange,
}

impl NewAlias {
    /// Reads `{name, target | targets, requireTargetExists}`.
    pub fn from_json(body: Value) -> Result<Self, InvalidRequest> {
        let mut fields = object(body)?;
        let name = fields.remove("name").ok_or_else(|| refused("Missing field `name`."))?;
        let name = index(&name, ".name")?;
        let change = AliasChange::from_fields(fields, &["name", "target", "targets", "requireTargetExists"])?;
        if change.target.indexes().contains(&name) {
            return Err(refused(format!("Alias `{name}` cannot be its own target.")));
        }
        Ok(Self { name, change })
    }
}

impl AliasChange {
    /// Reads `{target | targets, requireTargetExists}`.
    pub fn from_json(body: Value) -> Result<Self, InvalidRequest> {
        Self::from_fields(object(body)?, &["target", "targets", "requireTargetExists"])
    }

    fn from_fields(mut fields: Map<String, Value>, known: &[&str]) -> Result<Self, InvalidRequest> {
        let target = match (fields.remove("target"), fields.remove("targets")) {
            (Some(target), None) => AliasTarget::Single(index(&target, ".target")?),
            (None, Some(targets)) => AliasTarget::Multi(indexes(&targets)?),
            (None, None) => {
                return Err(refused("Missing field `target` (one index) or `targets` (several)."));
            }
            (Some(_), Some(_)) => return Err(refused("Fields `target` and `targets` exclude each other.")),
        };
        let require_target_exists = match fields.remove("requireTargetExists") {
            None => true,
            Some(Value::Bool(required)) => required,
            Some(other) => return Err(wrong_type(".requireTargetExists", "a boolean", &other)),
        };
        match fields.keys().next() {
            None => Ok(Self { target, require_target_exists }),
            Some(name) => Err(refused(wording::unknown("field", name, known))),
        }
    }

    /// Refuses the change if `alias` cannot get this target. An alias of one index stays one, an alias of
    /// several stays one of several, and no alias names itself.
    pub fn check(&self, alias: &Alias) -> Result<(), InvalidRequest> {
        alias.require_single()?;
        let name = &alias.name;
        match &self.target {
            AliasTarget::Multi(_) => Err(InvalidRequest::new(
                ErrorCode::MiroirAliasConflict,
                format!(
                    "Alias `{name}` has one index as its target and cannot get several: writes to it would be refused. Create another alias."
                ),
            )),
            AliasTarget::Single(index) if index == name => {
                Err(refused(format!("Alias `{name}` cannot be its own target.")))
            }
            AliasTarget::Single(_) => Ok(()),
        }
    }
}

fn object(body: Value) -> Result<Map<String, Value>, InvalidRequest> {
    match body {
        Value::Object(fields) => Ok(fields),
        other => Err(wrong_type("", "an object", &other)),
    }
}

fn indexes(value: &Value) -> Result<Vec<IndexUid>, InvalidRequest> {
    let Value::Array(elements) = value else { return Err(wrong_type(".targets", "an array", value)) };
    if elements.is_empty() || elements.len() > MAX_TARGETS {
        let count = elements.len();
        return Err(refused(format!("`.targets` names {count} indexes: it must name 1 to {MAX_TARGETS}.")));
    }
    let mut found: Vec<IndexUid> = Vec::with_capacity(elements.len());
    for (position, element) in elements.iter().enumerate() {
        let uid = index(element, &format!(".targets[{position}]"))?;
        if found.contains(&uid) {
            return Err(refused(format!("`.targets` names index `{uid}` twice.")));
        }
        found.push(uid);
    }
    Ok(found)
}

fn index(value: &Value, place: &str) -> Result<IndexUid, InvalidRequest> {
    let Value::String(text) = value else { return Err(wrong_type(place, "a string", value)) };
    text.parse().map_err(|error: crate::InvalidId| {
        InvalidRequest::new(ErrorCode::InvalidIndexUid, format!("Invalid value at `{place}`: {error}"))
    })
}

fn wrong_type(place: &str, expected: &str, value: &Value) -> InvalidRequest {
    refused(wording::wrong_type(place, expected, value))
}

fn refused(message: impl Into<String>) -> InvalidRequest {
    InvalidRequest::new(ErrorCode::BadRequest, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Timestamp;

    fn alias(target: AliasTarget) -> Alias {
        let created_at = Timestamp::from_millis(0);
        Alias { name: "films".parse().unwrap(), target, version: 1, created_at, history: Vec::new() }
    }

    #[test]
    fn from_json_reads_one_target_or_several() {
        let new = NewAlias::from_json(json!({ "name": "films", "target": "v1" })).unwrap();
        assert_eq!(new.change.target.indexes(), ["v1".parse().unwrap()]);
        assert!(new.change.require_target_exists);
        let body = json!({ "targets": ["a", "b"], "requireTargetExists": false });
        let change = AliasChange::from_json(body).unwrap();
        assert_eq!(change.target, AliasTarget::Multi(vec!["a".parse().unwrap(), "b".parse().unwrap()]));
        assert!(!change.require_target_exists);
    }

    #[test]
    fn from_json_refuses_invalid_aliases_and_names_the_place() {
        let many: Vec<String> = (0..51).map(|number| format!("i{number}")).collect();
        for (body, part) in [
            (json!([]), "expected an object"),
            (json!({ "target": "a" }), "`name`"),
            (json!({ "name": "x" }), "`target`"),
            (json!({ "name": "x", "target": "a", "targets": ["b"] }), "exclude"),
            (json!({ "name": "x", "target": "x" }), "its own target"),
            (json!({ "name": "x", "targets": ["a", "x"] }), "its own target"),
            (json!({ "name": "x", "targets": [] }), "0 indexes"),
            (json!({ "name": "x", "targets": many }), "51 indexes"),
            (json!({ "name": "x", "targets": ["a", "a"] }), "twice"),
            (json!({ "name": "x", "targets": ["a", 1] }), "`.targets[1]`"),
            (json!({ "name": "x y", "target": "a" }), "`.name`"),
            (json!({ "name": "x", "target": "../a" }), "`.target`"),
            (json!({ "name": "x", "target": "a", "requireTargetExists": 1 }), "`.requireTargetExists`"),
            (json!({ "name": "x", "target": "a", "tarhet": 1 }), "`tarhet`"),
        ] {
            let refusal = NewAlias::from_json(body.clone()).unwrap_err();
            assert!(refusal.message.contains(part), "{body}: {}", refusal.message);
        }
    }

    #[test]
    fn check_refuses_a_target_of_another_kind() {
        let single = alias(AliasTarget::Single("v1".parse().unwrap()));
        let multi = alias(AliasTarget::Multi(vec!["v1".parse().unwrap()]));
        let change = |body| AliasChange::from_json(body).unwrap();
        let code = |change: AliasChange, alias| change.check(alias).unwrap_err().code;
        assert_eq!(change(json!({ "target": "v2" })).check(&single), Ok(()));
        assert_eq!(code(change(json!({ "target": "films" })), &single), ErrorCode::BadRequest);
        assert_eq!(code(change(json!({ "targets": ["v2"] })), &single), ErrorCode::MiroirAliasConflict);
        for body in [json!({ "target": "v2" }), json!({ "targets": ["v2"] })] {
            assert_eq!(code(change(body), &multi), ErrorCode::MiroirMultiAliasNotWritable);
        }
    }
}
