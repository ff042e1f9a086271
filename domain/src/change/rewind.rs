//! A person's request to deliver events again.

use serde_json::Value;

use crate::IndexUid;
use crate::error::{ErrorCode, InvalidRequest};
use crate::wording::{unknown, wrong_type};

/// A person's request to deliver events again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewind {
    /// The index.
    pub index: IndexUid,
    /// The number of the last event that is not delivered again.
    pub since: u64,
}

impl Rewind {
    /// Reads `{"index": "films", "since": 41}`.
    pub fn from_json(body: &Value) -> Result<Self, InvalidRequest> {
        let refuse = |message| InvalidRequest::new(ErrorCode::BadRequest, message);
        let fields = body.as_object().ok_or_else(|| refuse(wrong_type("", "an object", body)))?;
        if let Some(name) = fields.keys().find(|name| !["index", "since"].contains(&name.as_str())) {
            return Err(refuse(unknown("field", name, &["index", "since"])));
        }
        let field = |name: &str| {
            fields.get(name).ok_or_else(|| {
                refuse(format!("Missing field `{name}`: write {{\"index\": \"films\", \"since\": 41}}"))
            })
        };
        let (index, since) = (field("index")?, field("since")?);
        let uid = index.as_str().ok_or_else(|| refuse(wrong_type(".index", "a string", index)))?;
        Ok(Self {
            index: uid.parse().map_err(|error| refuse(format!("Invalid value at `.index`: {error}")))?,
            since: since
                .as_u64()
                .ok_or_else(|| refuse(wrong_type(".since", "a whole number that is not negative", since)))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn from_json_reads_its_fields_and_refuses_others_by_name() {
        let read = Rewind::from_json(&json!({"index": "films", "since": 41})).unwrap();
        assert_eq!((read.index.as_str(), read.since), ("films", 41));
        let refused = |body: Value| Rewind::from_json(&body).unwrap_err().message;
        assert!(refused(json!([])).contains("an object"));
        assert!(refused(json!({"index": "films"})).contains("`since`"));
        assert!(refused(json!({"index": "films", "sinc": 1})).contains("did you mean `since`"));
        assert!(refused(json!({"index": "a b", "since": 1})).contains(".index"));
        for since in [json!(-1), json!(1.5), json!("1"), json!(null)] {
            assert!(refused(json!({"index": "films", "since": since})).contains(".since"));
        }
    }
}
