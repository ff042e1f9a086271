//! A canary that belongs to the configuration.

use std::borrow::Cow;

use miroir_domain::canary::{CanaryId, Definition};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The definition of a canary, as `POST /_miroir/canaries` takes it, with an id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct CanaryDefinition {
    id: CanaryId,
    definition: Definition,
}

/// Why a definition was refused: a sentence without a full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidDefinition(String);

impl CanaryDefinition {
    /// The id, without the mark under which it is stored.
    pub fn id(&self) -> &CanaryId {
        &self.id
    }

    /// The definition.
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
