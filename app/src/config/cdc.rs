//! Settings of change data capture.

use std::collections::BTreeSet;
use std::path::PathBuf;

use miroir_domain::SinkName;
use miroir_domain::change::Origin;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;
use super::bound::MAX_DURATION_MS;

/// Change data capture: events of changed documents, sent to sinks. See cdc.md.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CdcConfig {
    /// Name of this cluster in events: their `source`.
    pub source: String,
    /// Maximum size of the stored events of one sink, in bytes of JSON. Beyond it, the oldest events are
    /// dropped and counted.
    #[schemars(range(min = 1))]
    pub outbox_bytes: u64,
    /// Number of confirmed events kept of each index, to which a sink can be rewound.
    pub keep_confirmed: u32,
    /// The sinks. Without sinks, no events are recorded.
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

/// A receiver of change events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SinkConfig {
    /// Name, under which the sink's events and position are stored. A renamed sink is a new sink.
    #[schemars(with = "String", extend("format" = "sink-name"))]
    pub name: SinkName,
    /// Kind of the sink.
    pub kind: SinkKind,
    /// URL of the receiver: `https://…` for a webhook, `nats://…` or `tls://…` for NATS, with commas between
    /// several servers of one cluster. It is masked like a key, because it may contain one.
    #[serde(default)]
    pub url: Option<Secret>,
    /// Secrets that sign webhooks: `whsec_` and a key of 24 to 64 bytes in base64. All of them sign, so that
    /// secrets can be rotated.
    #[serde(default)]
    pub secrets: Vec<Secret>,
    /// True to allow a private, loopback or link-local address for a webhook.
    #[serde(default)]
    pub allow_private: bool,
    /// Prefix of the NATS subjects. A dot and the index follow it. A stream must accept `<subject>.>`.
    #[serde(default = "default_subject")]
    pub subject: String,
    /// Token for NATS.
    #[serde(default)]
    pub token: Option<Secret>,
    /// User of NATS.
    #[serde(default)]
    pub user: Option<String>,
    /// Password of the user.
    #[serde(default)]
    pub password: Option<Secret>,
    /// File with credentials for NATS.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub credentials_file: Option<PathBuf>,
    /// True to include the documents in events.
    #[serde(default)]
    pub documents: bool,
    /// True to send events of canary runs.
    #[serde(default)]
    pub canaries: bool,
    /// Origins of the writes that the sink gets: `client` for writes of clients, `repair` for writes by which
    /// Miroir repairs a replica. Events of other origins are counted only.
    #[serde(default = "default_origins")]
    #[schemars(with = "Vec<OriginWord>")]
    pub origins: BTreeSet<Origin>,
    /// Maximum number of events in a batch.
    #[serde(default = "default_batch_events")]
    #[schemars(range(min = 1, max = 10_000))]
    pub batch_events: u32,
    /// Maximum time to collect events before a batch is sent that is not full.
    #[serde(default = "default_batch_delay_ms")]
    #[schemars(range(max = MAX_DURATION_MS))]
    pub batch_delay_ms: u64,
    /// Maximum time of a delivery.
    #[serde(default = "default_timeout_ms")]
    #[schemars(range(min = 1, max = MAX_DURATION_MS))]
    pub timeout_ms: u64,
    /// Pause after a failed delivery. It doubles with each further failure.
    #[serde(default = "default_retry_min_ms")]
    #[schemars(range(min = 1, max = MAX_DURATION_MS))]
    pub retry_min_ms: u64,
    /// Maximum pause after a failed delivery, unless the receiver requests a longer one.
    #[serde(default = "default_retry_max_ms")]
    #[schemars(range(min = 1, max = MAX_DURATION_MS))]
    pub retry_max_ms: u64,
}

/// Kind of a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SinkKind {
    /// A URL that gets batches by POST, signed according to Standard Webhooks.
    Webhook,
    /// A `JetStream` stream of NATS.
    Nats,
    /// The feed under `/_miroir/changes`, which readers poll. At most one.
    Internal,
}

impl SinkKind {
    /// Returns the word of the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Nats => "nats",
            Self::Internal => "internal",
        }
    }
}

/// Origin of a write.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "it only describes `Origin` to the schema")]
enum OriginWord {
    /// Writes of clients.
    Client,
    /// Writes by which Miroir repairs a replica.
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
