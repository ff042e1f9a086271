//! What is told of writes, and to whom.

use std::collections::BTreeSet;
use std::path::PathBuf;

use miroir_domain::SinkName;
use miroir_domain::change::Origin;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;
use super::section::YEAR_MS;

/// Change data capture: what writes changed, told to others. See cdc.md.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CdcConfig {
    /// The name of this cluster in events: their `source`.
    pub source: String,
    /// Room for the events that are held for one sink, in bytes of JSON. When it is full the oldest go, counted and told.
    #[schemars(range(min = 1))]
    pub outbox_bytes: u64,
    /// Events kept of each index after a sink confirmed them, to which it can be rewound.
    pub keep_confirmed: u32,
    /// Who is told. Without sinks nothing is recorded.
    pub sinks: Vec<SinkConfig>,
}

impl Default for CdcConfig {
    fn default() -> Self {
        Self {
            source: "miroir".to_owned(),
            outbox_bytes: 64 * 1024 * 1024,
            keep_confirmed: 1_000,
            sinks: Vec::new(),
        }
    }
}

/// Who is told of changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SinkConfig {
    /// Its name, under which its events and its place are kept: rename a sink and it begins anew.
    #[schemars(with = "String", extend("format" = "sink-name"))]
    pub name: SinkName,
    /// What it is.
    pub kind: SinkKind,
    /// Where the receiver listens, hidden like a key since it may hold one: `https://…` for a webhook, `nats://…` or `tls://…` for NATS, several servers of one
    /// cluster separated by commas.
    #[serde(default)]
    pub url: Option<Secret>,
    /// With what a webhook is signed, each `whsec_` and a key of 24 to 64 bytes in base64. All of them sign, so that one
    /// can take over from another.
    #[serde(default)]
    pub secrets: Vec<Secret>,
    /// Whether a webhook may be at a private, loopback or link-local address.
    #[serde(default)]
    pub allow_private: bool,
    /// What the subjects of NATS begin with; the index follows behind a dot. A stream must take `<subject>.>`.
    #[serde(default = "default_subject")]
    pub subject: String,
    /// A token for NATS.
    #[serde(default)]
    pub token: Option<Secret>,
    /// A user of NATS.
    #[serde(default)]
    pub user: Option<String>,
    /// The user's password.
    #[serde(default)]
    pub password: Option<Secret>,
    /// A file of credentials for NATS.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub credentials_file: Option<PathBuf>,
    /// Whether events hold the documents themselves.
    #[serde(default)]
    pub documents: bool,
    /// Whether it is told of the runs of canaries.
    #[serde(default)]
    pub canaries: bool,
    /// Whose writes it is told of: `client`, and `repair` for those by which Miroir brings a node what others have. The
    /// others are counted.
    #[serde(default = "default_origins")]
    #[schemars(with = "Vec<OriginWord>")]
    pub origins: BTreeSet<Origin>,
    /// Events in one batch at most.
    #[serde(default = "default_batch_events")]
    #[schemars(range(min = 1, max = 10_000))]
    pub batch_events: u32,
    /// How long events are collected before a batch that is not full leaves.
    #[serde(default = "default_batch_delay_ms")]
    #[schemars(range(max = YEAR_MS))]
    pub batch_delay_ms: u64,
    /// How long a delivery may take.
    #[serde(default = "default_timeout_ms")]
    #[schemars(range(min = 1, max = YEAR_MS))]
    pub timeout_ms: u64,
    /// The wait after a failed delivery; it doubles with each that follows.
    #[serde(default = "default_retry_min_ms")]
    #[schemars(range(min = 1, max = YEAR_MS))]
    pub retry_min_ms: u64,
    /// The longest wait after a failed delivery, unless the receiver asks for more.
    #[serde(default = "default_retry_max_ms")]
    #[schemars(range(min = 1, max = YEAR_MS))]
    pub retry_max_ms: u64,
}

/// What a sink is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SinkKind {
    /// A URL that batches are posted to, signed as Standard Webhooks says.
    Webhook,
    /// A `JetStream` stream of NATS.
    Nats,
    /// The feed under `/_miroir/changes`, for readers that ask. One at most.
    Internal,
}

impl SinkKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Nats => "nats",
            Self::Internal => "internal",
        }
    }
}

/// Whose writes a sink is told of.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "it only describes `Origin` to the schema")]
enum OriginWord {
    /// Those of clients.
    Client,
    /// Those by which Miroir brings a node what others have.
    Repair,
}

fn default_subject() -> String {
    "miroir.changes".to_owned()
}

fn default_origins() -> BTreeSet<Origin> {
    BTreeSet::from([Origin::Client])
}

fn default_batch_events() -> u32 {
    100
}

fn default_batch_delay_ms() -> u64 {
    200
}

fn default_timeout_ms() -> u64 {
    10_000
}

fn default_retry_min_ms() -> u64 {
    500
}

fn default_retry_max_ms() -> u64 {
    60_000
}
