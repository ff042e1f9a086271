//! The sinks of change events.

use std::sync::Arc;

use anyhow::Context as _;
use miroir_core::change::{Backoff, ChangeRecorder, Delivery, RecorderOptions, SinkHandle, SinkRules};
use miroir_core::identity::KnownIdentity;
use miroir_ports::outbound::{Clock, Observer, Sink};
use miroir_sinks::{NatsOptions, NatsSink, WebhookOptions, WebhookSink};
use miroir_system::SystemClock;

use crate::config::{CdcConfig, Secret, SinkConfig, SinkKind};

/// Checks the configured sinks without connecting to them.
pub fn check_sinks(config: &CdcConfig) -> anyhow::Result<()> {
    recorder(config, &(Arc::new(SystemClock) as _), &(Arc::new(()) as _), &Arc::default()).map(drop)
}

/// Returns the recorder of change events, with the configured sinks.
pub(super) fn recorder(
    config: &CdcConfig,
    clock: &Arc<dyn Clock>,
    observer: &Arc<dyn Observer>,
    identity: &Arc<KnownIdentity>,
) -> anyhow::Result<ChangeRecorder> {
    let sinks = config.sinks.iter().map(|sink| {
        let delivery =
            receiver(sink, clock).with_context(|| format!("cannot use the sink `{}`", sink.name))?;
        let delivery = delivery.map(|receiver| Delivery {
            receiver,
            batch_events: sink.batch_events,
            batch_delay: sink.batch_delay(),
            backoff: Backoff { first: sink.retry_min(), longest: sink.retry_max() },
            keep: u64::from(config.keep_confirmed),
        });
        let rules = SinkRules {
            name: sink.name.clone(),
            kind: sink.kind.as_str(),
            documents: sink.documents,
            canaries: sink.canaries,
            origins: sink.origins.clone(),
        };
        Ok(Arc::new(SinkHandle::new(rules, delivery, Arc::clone(observer))))
    });
    let options = RecorderOptions { source: config.source.clone(), budget_bytes: config.outbox_bytes };
    Ok(ChangeRecorder::new(options, sinks.collect::<anyhow::Result<_>>()?, Arc::clone(identity)))
}

/// Returns the receiver of a sink, without connecting to it. Returns `None` for the feed.
fn receiver(sink: &SinkConfig, clock: &Arc<dyn Clock>) -> anyhow::Result<Option<Arc<dyn Sink>>> {
    let url = || sink.url.as_ref().map(|url| url.expose().to_owned()).context("`url` is not set");
    let text = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned());
    Ok(match sink.kind {
        SinkKind::Internal => None,
        SinkKind::Webhook => {
            let options = WebhookOptions {
                url: url()?,
                secrets: sink.secrets.iter().map(|secret| secret.expose().to_owned()).collect(),
                timeout: sink.timeout(),
                allow_private: sink.allow_private,
            };
            Some(Arc::new(WebhookSink::new(options, Arc::clone(clock))?))
        }
        SinkKind::Nats => {
            let options = NatsOptions {
                url: url()?,
                subject: sink.subject.clone(),
                user: sink.user.clone(),
                password: text(&sink.password),
                token: text(&sink.token),
                credentials_file: sink.credentials_file.clone(),
                timeout: sink.timeout(),
            };
            Some(Arc::new(NatsSink::new(options)?))
        }
    })
}
