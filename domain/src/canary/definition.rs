//! A canary as a person writes it.

use serde_json::{Value, json};

use super::assertion::Assertion;
use super::consistency;
use super::fields::{Fields, refuse};
use super::id::CanaryId;
use super::row::Canary;
use crate::error::InvalidRequest;
use crate::json::fits;
use crate::search::SearchRequest;
use crate::{IndexUid, Timestamp};

/// The shortest interval, in seconds.
pub const MIN_INTERVAL_S: u32 = 1;
/// The longest interval, in seconds: a day.
pub const MAX_INTERVAL_S: u32 = 24 * 60 * 60;
/// The maximum length of a name, in characters.
pub(super) const MAX_NAME_CHARS: usize = 200;
/// The maximum number of assertions.
const MAX_ASSERTIONS: usize = 100;
/// The maximum size of a query, and of a list of assertions, in bytes of JSON.
const MAX_JSON_BYTES: usize = 64 * 1024;
/// The maximum depth of a query: no search needs more, and stores accept little more.
const MAX_QUERY_DEPTH: usize = 64;

const FIELDS: [&str; 7] = ["id", "name", "index", "intervalSeconds", "query", "assertions", "enabled"];

/// A definition that can be run: its query is a search, its assertions can be met.
///
/// # Examples
///
/// ```
/// use miroir_domain::canary::{CanaryStatus, Definition, Observation, evaluate};
/// use serde_json::json;
///
/// let definition = Definition::parse(&json!({
///     "name": "Alien is found",
///     "index": "movies",
///     "intervalSeconds": 60,
///     "query": {"q": "alien", "limit": 5},
///     "assertions": [{"type": "min_hits", "value": 1}, {"type": "max_latency_ms", "value": 200}],
/// }))?;
///
/// let response = json!({"hits": [], "estimatedTotalHits": 0});
/// let seen = Observation {
///     body: response.as_object().unwrap(),
///     latency_ms: 12,
///     settings_version: Some(1),
///     primary_key: None,
///     degraded: None,
/// };
/// let verdict = evaluate(&definition, &seen, &[]);
/// assert_eq!(verdict.status(), CanaryStatus::Fail);
/// assert_eq!(verdict.evidence()[0]["message"], "the number of hits is 0, less than 1");
///
/// // Assertions that no response meets are refused.
/// let impossible = json!([{"type": "top_k_contains", "k": 1, "ids": ["a", "b"]}]);
/// let refused = Definition::parse(&json!({
///     "name": "both first", "index": "movies", "intervalSeconds": 60, "query": {}, "assertions": impossible,
/// }));
/// assert!(refused.is_err());
/// # Ok::<(), miroir_domain::error::InvalidRequest>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    id: Option<CanaryId>,
    name: String,
    index: IndexUid,
    interval_s: u32,
    query: SearchRequest,
    assertions: Vec<Assertion>,
    enabled: bool,
}

impl Definition {
    /// Reads `{id?, name, index, intervalSeconds, query, assertions?, enabled?}`. A canary without assertions
    /// only checks that the search succeeds. It is enabled by default. Refusals are `miroir_invalid_canary`
    /// and name the place.
    pub fn parse(value: &Value) -> Result<Self, InvalidRequest> {
        let fields = Fields::of(value, "")?;
        fields.only(&FIELDS)?;
        let id = match fields.get("id") {
            None | Some(Value::Null) => None,
            Some(_) => {
                let named = CanaryId::of_name(fields.text("id")?);
                Some(named.map_err(|refusal| refuse(".id", refusal.message.trim_end_matches('.')))?)
            }
        };
        let index = fields.text("index")?.parse().map_err(|error| refuse(".index", format!("{error}")))?;
        let query = parse_query(fields.required("query")?)?;
        let assertions = parse_assertions(&fields)?;
        consistency::check(&query, &assertions)?;
        Ok(Self {
            id,
            name: parse_name(fields.text("name")?)?,
            index,
            interval_s: parse_interval(&fields)?,
            query,
            assertions,
            enabled: fields.boolean("enabled", true)?,
        })
    }

    /// Returns the definition in a row. Fails for a row that was not made of a definition.
    pub fn of_row(row: &Canary) -> Result<Self, InvalidRequest> {
        Self::parse(&json!({
            "name": row.name, "index": row.index_uid, "intervalSeconds": row.interval_s, "query": row.query,
            "assertions": row.assertions, "enabled": row.enabled,
        }))
    }

    /// Returns the row of the definition.
    pub fn to_row(&self, id: &CanaryId, created_at: Timestamp, version: u64) -> Canary {
        Canary {
            id: id.as_str().to_owned(),
            name: self.name.clone(),
            index_uid: self.index.clone(),
            interval_s: self.interval_s,
            query: Value::Object(self.query.body().clone()),
            assertions: self.assertions_json(),
            enabled: self.enabled,
            created_at,
            version,
        }
    }

    /// Returns the definition as JSON, as [`Definition::parse`] reads it.
    pub fn to_json(&self) -> Value {
        let mut json = json!({
            "name": self.name, "index": self.index, "intervalSeconds": self.interval_s,
            "query": self.query.body(), "assertions": self.assertions_json(), "enabled": self.enabled,
        });
        if let Some(id) = &self.id {
            json["id"] = id.as_str().into();
        }
        json
    }

    fn assertions_json(&self) -> Value {
        self.assertions.iter().map(Assertion::to_json).collect()
    }

    /// Returns the id that the definition names.
    pub fn id(&self) -> Option<&CanaryId> {
        self.id.as_ref()
    }

    /// Returns its name for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the index or alias that it searches.
    pub fn index(&self) -> &IndexUid {
        &self.index
    }

    /// Returns the search.
    pub fn query(&self) -> &SearchRequest {
        &self.query
    }

    /// Returns the assertions.
    pub fn assertions(&self) -> &[Assertion] {
        &self.assertions
    }
}

pub(super) fn parse_name(name: &str) -> Result<String, InvalidRequest> {
    if name.trim().is_empty() {
        return Err(refuse(".name", "it is empty"));
    }
    if name.chars().count() > MAX_NAME_CHARS {
        return Err(refuse(".name", format!("it is longer than {MAX_NAME_CHARS} characters")));
    }
    if name.chars().any(char::is_control) {
        return Err(refuse(".name", "it has a control character, such as a line break"));
    }
    Ok(name.to_owned())
}

fn parse_interval(fields: &Fields<'_>) -> Result<u32, InvalidRequest> {
    let seconds = fields.number("intervalSeconds", MIN_INTERVAL_S.into())?;
    let bounded = u32::try_from(seconds).ok().filter(|seconds| *seconds <= MAX_INTERVAL_S);
    bounded.ok_or_else(|| {
        let message = format!("{seconds} is too large: it must be at most {MAX_INTERVAL_S}, a day");
        refuse(".intervalSeconds", message)
    })
}

fn parse_query(query: &Value) -> Result<SearchRequest, InvalidRequest> {
    check_size(".query", query)?;
    if !fits(query, MAX_QUERY_DEPTH) {
        return Err(refuse(".query", format!("it nests deeper than {MAX_QUERY_DEPTH} levels")));
    }
    SearchRequest::from_json(query.clone())
        .map_err(|refusal| refuse(".query", refusal.message.trim_end_matches('.')))
}

fn parse_assertions(fields: &Fields<'_>) -> Result<Vec<Assertion>, InvalidRequest> {
    let listed = fields.array("assertions")?;
    if listed.len() > MAX_ASSERTIONS {
        let message = format!("there are {}; a canary has at most {MAX_ASSERTIONS}", listed.len());
        return Err(refuse(".assertions", message));
    }
    if let Some(assertions) = fields.get("assertions") {
        check_size(".assertions", assertions)?;
    }
    let parse = |(position, value)| Assertion::parse(value, &format!(".assertions[{position}]"));
    listed.iter().enumerate().map(parse).collect()
}

fn check_size(place: &str, value: &Value) -> Result<(), InvalidRequest> {
    // Every JSON value can be printed, so the default is never used.
    let bytes = serde_json::to_vec(value).map_or(0, |json| json.len());
    if bytes > MAX_JSON_BYTES {
        return Err(refuse(place, format!("it has {bytes} bytes; at most {MAX_JSON_BYTES} are accepted")));
    }
    Ok(())
}
