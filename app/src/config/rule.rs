//! Rules between settings that are valid by themselves.

use std::collections::{BTreeMap, BTreeSet};

use miroir_domain::topology::{InvalidTopology, Node, Topology};
use miroir_domain::{GroupId, NodeId};

use super::{Config, Problem, SinkKind, StoreBackend};

/// The minimum length of a master key in bytes. Meilisearch in production does not start with a shorter one.
const SAFE_KEY_BYTES: usize = 16;

/// The minimum length of a sealing key in bytes. A shorter one could be found by trying.
const SEALING_KEY_BYTES: usize = 32;

/// A rule with the sections that it checks.
type Rule = (&'static [&'static str], fn(&Config) -> Vec<Problem>);

const RULES: [Rule; 10] = [
    (&["nodes", "cluster"], topology_is_valid),
    (&["nodes"], urls_are_distinct),
    (&["nodes", "server"], no_node_is_this_server),
    (&["task_registry"], poll_pauses_are_ordered),
    (&["cluster"], quorum_is_valid),
    (&["store"], redis_has_a_url),
    (&["store"], sealing_keys_are_long),
    (&["canary"], canaries_are_distinct),
    (&["cdc"], sinks_are_valid),
    (&["metrics", "server"], metrics_address_is_distinct),
];

/// Returns the violations of the rules. Rules about `invalid` sections are skipped.
pub(super) fn violations(config: &Config, invalid: &BTreeSet<String>) -> Vec<Problem> {
    RULES
        .iter()
        .filter(|(sections, _)| !sections.iter().any(|section| invalid.contains(*section)))
        .flat_map(|(_, rule)| rule(config))
        .collect()
}

fn problem(path: impl Into<String>, message: impl Into<String>) -> Vec<Problem> {
    vec![Problem { path: path.into(), origin: None, message: message.into() }]
}

fn topology_is_valid(config: &Config) -> Vec<Problem> {
    // No nodes are only a warning. `quorum_is_valid` reports an invalid quorum.
    match config.topology() {
        Ok(_) | Err(InvalidTopology::NoNodes | InvalidTopology::QuorumOutOfRange { .. }) => Vec::new(),
        Err(error) => problem("nodes", error.to_string()),
    }
}

/// Checks the quorum on the smallest cluster that the replication factor allows, because there may be no
/// nodes yet.
fn quorum_is_valid(config: &Config) -> Vec<Problem> {
    let replicas = config.cluster.replication_factor;
    let smallest = (0..replicas).filter_map(|number| {
        Some(Node { id: format!("node-{number}").parse::<NodeId>().ok()?, group: GroupId(0) })
    });
    match Topology::new(smallest.collect(), replicas, config.cluster.write_quorum) {
        Ok(_) => Vec::new(),
        Err(error) => problem("cluster.write_quorum", error.to_string()),
    }
}

fn redis_has_a_url(config: &Config) -> Vec<Problem> {
    if config.store.backend != StoreBackend::Redis || config.store.redis.url.is_some() {
        return Vec::new();
    }
    problem(
        "store.redis.url",
        "is missing: `store.backend` is `redis`, which needs a URL such as redis://127.0.0.1:6379/0",
    )
}

fn sealing_keys_are_long(config: &Config) -> Vec<Problem> {
    let keys = config.store.sealing_keys.iter().enumerate();
    let short = keys.filter(|(_, key)| key.expose().len() < SEALING_KEY_BYTES);
    short
        .flat_map(|(position, _)| {
            let message = format!(
                "is shorter than {SEALING_KEY_BYTES} bytes: take the output of `openssl rand -base64 32`"
            );
            problem(format!("store.sealing_keys[{position}]"), message)
        })
        .collect()
}

fn urls_are_distinct(config: &Config) -> Vec<Problem> {
    let mut first = BTreeMap::new();
    let mut problems = Vec::new();
    for (position, node) in config.nodes.iter().enumerate() {
        if let Some(other) = first.insert(node.url.as_str(), &node.id) {
            let message = format!(
                "{} is also the URL of node `{other}`: two nodes cannot share a server, because their documents would mix",
                node.url
            );
            problems.extend(problem(format!("nodes[{position}].url"), message));
        }
    }
    problems
}

fn no_node_is_this_server(config: &Config) -> Vec<Problem> {
    let own = config.server.address.to_string();
    let here = |node: &&super::NodeConfig| {
        config.server.address.port() != 0 && node.url.authority().is_some_and(|authority| authority == own)
    };
    config.nodes.iter().find(here).map_or_else(Vec::new, |node| {
        let message = format!(
            "node `{}` has the address of Miroir itself ({own}): change `server.address` or the URL of the node",
            node.id
        );
        problem("nodes", message)
    })
}

fn metrics_address_is_distinct(config: &Config) -> Vec<Problem> {
    let Some(address) = config.metrics.address else { return Vec::new() };
    let same_ip = address.ip() == config.server.address.ip()
        || address.ip().is_unspecified()
        || config.server.address.ip().is_unspecified();
    if address.port() == 0 || address.port() != config.server.address.port() || !same_ip {
        return Vec::new();
    }
    let message = format!(
        "{address} collides with `server.address` ({}): give metrics a port of their own, or leave `metrics.address` \
         out and scrape `/_miroir/metrics`",
        config.server.address
    );
    problem("metrics.address", message)
}

fn poll_pauses_are_ordered(config: &Config) -> Vec<Problem> {
    let registry = &config.task_registry;
    if registry.poll_min_ms <= registry.poll_max_ms {
        return Vec::new();
    }
    let message = format!(
        "the minimum pause ({} ms) is longer than the maximum, `task_registry.poll_max_ms` ({} ms)",
        registry.poll_min_ms, registry.poll_max_ms
    );
    problem("task_registry.poll_min_ms", message)
}

fn canaries_are_distinct(config: &Config) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for (position, canary) in config.canary.definitions.iter().enumerate() {
        if !seen.insert(canary.id()) {
            let message = format!("`{}` is also the id of another canary: ids must be unique", canary.id());
            problems.extend(problem(format!("canary.definitions[{position}]"), message));
        }
    }
    problems
}

/// Checks the sinks without making their receivers: unique names, and the settings that each kind needs.
fn sinks_are_valid(config: &Config) -> Vec<Problem> {
    let mut names = BTreeSet::new();
    let mut feeds = 0;
    let mut problems = Vec::new();
    for (position, sink) in config.cdc.sinks.iter().enumerate() {
        let mut refuse = |condition: bool, key: &str, message: String| {
            if condition {
                problems.extend(problem(format!("cdc.sinks[{position}].{key}"), message));
            }
        };
        let kind = sink.kind.as_str();
        let is_feed = sink.kind == SinkKind::Internal;
        feeds += usize::from(is_feed);
        let known = !names.insert(&sink.name);
        refuse(
            known,
            "name",
            format!("`{}` is also the name of another sink: names must be unique", sink.name),
        );
        refuse(
            is_feed && feeds > 1,
            "kind",
            "another sink is already `internal`: there is only one feed".to_owned(),
        );
        refuse(
            !is_feed && sink.url.is_none(),
            "url",
            format!("is missing: a sink of the kind `{kind}` needs one"),
        );
        refuse(is_feed && sink.url.is_some(), "url", "readers poll the feed, so it has no URL".to_owned());
        refuse(
            sink.kind == SinkKind::Webhook && sink.secrets.is_empty(),
            "secrets",
            "is empty: a webhook needs at least one, such as `whsec_` and the output of `openssl rand -base64 32`".to_owned(),
        );
        refuse(
            sink.origins.is_empty(),
            "origins",
            "is empty: the sink would get no events of writes".to_owned(),
        );
        let (shortest, longest) = (sink.retry_min_ms, sink.retry_max_ms);
        refuse(
            shortest > longest,
            "retry_min_ms",
            format!(
                "the first pause ({shortest} ms) is longer than the maximum, `retry_max_ms` ({longest} ms)"
            ),
        );
    }
    problems
}

/// Returns a warning for each valid but questionable setting.
pub(super) fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |condition: bool, sentence: &str| {
        if condition {
            warnings.push(sentence.to_owned());
        }
    };
    let auth = &config.auth;
    warn(
        config.nodes.is_empty(),
        "no Meilisearch nodes are configured, so no documents can be stored: list at least one under `nodes`, such as `- { id: node-1, url: http://127.0.0.1:7701 }`",
    );
    warn(auth.master_key.is_none(), "`auth.master_key` is not set: every client route is open to everyone");
    warn(
        auth.master_key.as_ref().is_some_and(|key| key.expose().len() < SAFE_KEY_BYTES),
        "`auth.master_key` is shorter than 16 bytes, which Meilisearch calls unsafe: choose a longer one",
    );
    warn(
        auth.admin_key.is_none(),
        "`auth.admin_key` is not set: routes under /_miroir are served on the loopback interface only",
    );
    warn(
        config.store.backend == StoreBackend::Memory,
        "`store.backend` is `memory`: all tasks are lost when Miroir stops",
    );
    warn(
        config.store.backend != StoreBackend::Redis && config.store.redis.url.is_some(),
        "`store.redis.url` is set, but `store.backend` is not `redis`: the Redis server is not used",
    );
    warn(
        !config.canary.enabled && !config.canary.definitions.is_empty(),
        "`canary.enabled` is false: the canaries under `canary.definitions` are stored, but not run on their schedule",
    );
    let replicas = config.cluster.replication_factor;
    warn(
        config.cluster.write_quorum.is_some_and(|quorum| quorum < replicas / 2 + 1),
        "`cluster.write_quorum` is less than a majority of the copies: writes succeed while nodes are down, and searches \
         may miss them until the replicas are repaired",
    );
    warn(
        config.health.probe_timeout_ms > config.health.probe_interval_ms,
        "`health.probe_timeout_ms` is longer than `health.probe_interval_ms`: a node that does not respond is \
         probed less often than configured",
    );
    warnings
}
