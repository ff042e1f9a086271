//! Settings of canaries.

use std::borrow::Cow;

use miroir_domain::canary::{CanaryId, Definition};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bound::MAX_DURATION_MS;

/// Stored searches with assertions, run on a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CanaryConfig {
    /// True to run canaries on their schedule. Otherwise they can still be changed, read and run over HTTP.
    pub enabled: bool,
    /// Maximum number of canaries that run concurrently.
    #[schemars(range(min = 1, max = 1_000))]
    pub concurrency: u32,
    /// Maximum time of the search of a canary. After it, the run is an error.
    #[schemars(range(min = 1, max = MAX_DURATION_MS))]
    pub timeout_ms: u64,
    /// Number of runs kept of each canary.
    #[schemars(range(min = 1, max = 10_000))]
    pub history: u32,
    /// Canaries of the configuration, in the form of `POST /_miroir/canaries`, with an `id`. Miroir stores
    /// them at its start under `config:` and that id. Over HTTP they can be read and run only. Miroir deletes
    /// those that are no longer listed. See canaries.md.
    pub definitions: Vec<CanaryDefinition>,
}

impl Default for CanaryConfig {
    fn default() -> Self {
        Self { enabled: true, concurrency: 4, timeout_ms: 10_000, history: 100, definitions: Vec::new() }
    }
}

/// The definition of a canary in the form of `POST /_miroir/canaries`, with an id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct CanaryDefinition {
    id: CanaryId,
    definition: Definition,
}

/// The reason to refuse a definition: a sentence without a full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidDefinition(String);

impl CanaryDefinition {
    /// Returns the id, without the prefix `config:`.
    pub fn id(&self) -> &CanaryId {
        &self.id
    }

    /// Returns the definition.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }
}

impl TryFrom<Value> for CanaryDefinition {
    type Error = InvalidDefinition;

    fn try_from(value: Value) -> Result<Self, InvalidDefinition> {
        let definition = Definition::parse(&value)
            .map_err(|refusal| InvalidDefinition(refusal.message.trim_end_matches('.').to_owned()))?;
        let id = definition.id().cloned();
        let id =
            id.ok_or_else(|| InvalidDefinition("has no `id`: a configured canary needs one".to_owned()))?;
        Ok(Self { id, definition })
    }
}

impl From<CanaryDefinition> for Value {
    fn from(canary: CanaryDefinition) -> Value {
        canary.definition.to_json()
    }
}

impl JsonSchema for CanaryDefinition {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "CanaryDefinition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "format": "canary-definition" })
    }
}
