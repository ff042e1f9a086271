//! `miroir topology`: nodes, shards, instances and readiness.

use clap::Subcommand;
use http::StatusCode;
use serde_json::Value;

use crate::client::Request;
use crate::failure::Failure;
use crate::output::{self, View};
use crate::session::Session;
use crate::table::{Cell, Table, fields};
use crate::text::clean;
use crate::value::{MISSING, entries, text, time_from, yes_no};

/// The commands of `miroir topology`.
#[derive(Debug, Subcommand)]
pub enum TopologyCommand {
    /// List nodes with their health.
    Show,
    /// List the shards of an index with their nodes. Default: the shards of a new index.
    Shards {
        /// Name of the index.
        index: Option<String>,
    },
    /// List the replicas that are not in sync, with the progress of their repair.
    Replicas,
    /// List the instances of Miroir that share the store.
    Instances,
    /// Check readiness. Exits with 7 and the reasons if requests cannot be served. Needs no key.
    Ready,
}

/// Runs a command of `miroir topology`.
pub async fn run(session: Session, command: TopologyCommand) -> Result<(), Failure> {
    match command {
        TopologyCommand::Show => session.show(Request::get(&["_miroir", "topology"]), nodes).await,
        TopologyCommand::Shards { index } => {
            let request = Request::get(&["_miroir", "shards"]).maybe("index", index.as_ref());
            session.show(request, shards).await
        }
        TopologyCommand::Replicas => session.show(Request::get(&["_miroir", "replicas"]), replicas).await,
        TopologyCommand::Instances => session.show(Request::get(&["_miroir", "instances"]), instances).await,
        TopologyCommand::Ready => ready(&session).await,
    }
}

/// Prints the readiness. A 503 with reasons is a regular response.
async fn ready(session: &Session) -> Result<(), Failure> {
    let response = session.client.send(Request::get(&["_miroir", "ready"])).await?;
    let refused = response.status() != StatusCode::SERVICE_UNAVAILABLE;
    let value = match response.refusal() {
        Some(refusal) if refused => return Err(refusal),
        // An overloaded server returns the same status with another body.
        Some(refusal) => response.value().ok().filter(|value| value["ready"].is_boolean()).ok_or(refusal)?,
        None => response.value()?,
    };
    if session.output.json {
        session.output.json(&response.body)?;
    }
    if value["ready"] == true {
        return if session.output.json { Ok(()) } else { output::lines("ready") };
    }
    Err(Failure::Unhealthy(not_ready(&value)))
}

fn not_ready(value: &Value) -> String {
    let reasons = entries(&value["reasons"]).iter().map(|reason| format!("\n  {}", clean(&text(reason))));
    format!("not ready{}", reasons.collect::<String>())
}

fn nodes(topology: &Value, view: &View) -> String {
    let pairs = [
        ("replication factor", Cell::new(text(&topology["replicationFactor"]))),
        ("write quorum", Cell::new(text(&topology["writeQuorum"]))),
        ("shards of a new index", Cell::new(text(&topology["shardCount"]))),
    ];
    let mut table =
        Table::new(&["GROUP", "NODE", "STATUS", "SINCE (UTC)", "LATENCY", "IN FLIGHT", "URL", "LAST ERROR"]);
    for group in entries(&topology["groups"]) {
        for node in entries(&group["nodes"]) {
            table.row([
                Cell::number(text(&group["id"])),
                Cell::new(text(&node["id"])),
                Cell::status(text(&node["status"])),
                Cell::new(time_from(&node["changedAt"], view)),
                Cell::number(latency(&node["latencyUs"])),
                Cell::number(text(&node["inFlight"])),
                Cell::new(text(&node["url"])),
                Cell::free(text(&node["lastError"])),
            ]);
        }
    }
    format!("{}\n\n{}", fields(pairs, view), table.render(view, "There are no nodes."))
}

fn shards(list: &Value, view: &View) -> String {
    let mut table = Table::new(&["SHARD", "GROUP", "NODES"]);
    for shard in entries(&list["results"]) {
        for replicas in entries(&shard["replicas"]) {
            let nodes: Vec<String> = entries(&replicas["nodes"]).iter().map(text).collect();
            table.row([
                Cell::number(text(&shard["shard"])),
                Cell::number(text(&replicas["group"])),
                Cell::free(nodes.join(", ")),
            ]);
        }
    }
    table.render(view, "There are no nodes.")
}

fn replicas(report: &Value, view: &View) -> String {
    let mut table = Table::new(&[
        "INDEX",
        "NODE",
        "SINCE (UTC)",
        "MISSING",
        "COMPARED",
        "COPIED",
        "REMAINING",
        "LAST ERROR",
    ]);
    for replica in entries(&report["results"]) {
        let repair = &replica["repair"];
        table.row([
            Cell::new(text(&replica["index"])),
            Cell::new(text(&replica["node"])),
            Cell::new(time_from(&replica["since"], view)),
            Cell::new(missing(replica)),
            Cell::number(compared(repair)),
            Cell::number(text(&repair["documentsCopied"])),
            Cell::number(remaining(&repair["remainingMs"])),
            Cell::free(text(&repair["lastError"])),
        ]);
    }
    table.render(view, "All replicas are in sync.")
}

/// Returns what a replica misses.
fn missing(replica: &Value) -> String {
    if replica["wholeIndex"] == true {
        return "index".to_owned();
    }
    let settings = (replica["settings"] == true).then(|| "settings".to_owned());
    let shards = match entries(&replica["shards"]).len() {
        0 => None,
        1 => Some("1 shard".to_owned()),
        count => Some(format!("{count} shards")),
    };
    let parts: Vec<String> = settings.into_iter().chain(shards).collect();
    if parts.is_empty() { MISSING.to_owned() } else { parts.join(", ") }
}

/// Returns the compared part of the documents of the shards in progress.
fn compared(repair: &Value) -> String {
    let (done, total) = (repair["documentsCompared"].as_u64(), repair["documentsTotal"].as_u64());
    match (done, total) {
        (Some(done), Some(total)) if total > 0 => format!("{} %", done.saturating_mul(100) / total),
        _ => MISSING.to_owned(),
    }
}

/// Returns milliseconds as whole seconds.
fn remaining(value: &Value) -> String {
    value.as_u64().map_or_else(|| MISSING.to_owned(), |ms| format!("{} s", ms.div_ceil(1_000)))
}

fn instances(list: &Value, view: &View) -> String {
    let mut table = Table::new(&["INSTANCE", "URL", "THIS", "LEADER", "ROLES"]);
    for instance in entries(&list["results"]) {
        table.row([
            Cell::new(text(&instance["id"])),
            Cell::new(text(&instance["url"])),
            Cell::new(yes_no(&instance["here"])),
            Cell::new(yes_no(&instance["leader"])),
            Cell::free(roles(&instance["roles"])),
        ]);
    }
    table.render(view, "There are no instances.")
}

/// Returns the roles of an instance.
fn roles(list: &Value) -> String {
    let roles: Vec<String> = entries(list).iter().map(text).collect();
    if roles.is_empty() { MISSING.to_owned() } else { roles.join(", ") }
}

/// Returns microseconds as milliseconds with one decimal.
fn latency(value: &Value) -> String {
    value.as_u64().map_or_else(|| MISSING.to_owned(), |us| format!("{}.{} ms", us / 1_000, us % 1_000 / 100))
}

#[cfg(test)]
mod tests {
    use miroir_domain::Timestamp;
    use serde_json::json;

    use super::*;

    const VIEW: View = View { colors: false, now: Timestamp::EPOCH };

    #[test]
    fn nodes_are_listed_by_group() {
        let node = json!({
            "id": "node-1", "url": "http://h:1", "status": "failed", "inFlight": 2, "latencyUs": 1_240,
            "lastError": "refused\u{1b}[0m", "changedAt": "1970-01-01T00:00:00.000Z",
        });
        let topology = json!({
            "replicationFactor": 2, "writeQuorum": 1, "shardCount": 64, "groups": [{ "id": 0, "nodes": [node] }]
        });
        let shown = nodes(&topology, &VIEW);
        for part in
            ["64", "node-1", "failed", "1.2 ms", "refused\\u{1b}[0m", "1970-01-01 00:00:00 (0 ms ago)"]
        {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }

    #[test]
    fn replicas_show_what_is_missing_and_how_the_repair_proceeds() {
        let repair = json!({
            "shards": [0], "documentsCompared": 12_000, "documentsTotal": 80_000, "documentsCopied": 310,
            "remainingMs": 14_200, "failures": 1, "lastError": "no space\u{1b}",
        });
        let replica = |change: Value| {
            let mut replica = json!({
                "index": "films", "node": "node-3", "shards": [0, 3], "settings": true, "wholeIndex": false,
                "since": "1970-01-01T00:00:00.000Z", "taskUid": 41, "reason": "away",
            });
            replica.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            replica
        };
        let report = json!({ "complete": true, "results": [
            replica(json!({ "repair": repair })),
            replica(json!({ "wholeIndex": true })),
            replica(json!({ "shards": [1], "settings": false })),
        ] });
        let shown = replicas(&report, &VIEW);
        let lines: Vec<&str> = shown.lines().collect();
        for part in ["settings, 2 shards", "15 %", "310", "15 s", "no space\\u{1b}"] {
            assert!(lines[1].contains(part), "{part}: {shown}");
        }
        assert!(lines[2].contains(" index ") && lines[3].contains(" 1 shard "), "{shown}");
        assert_eq!(replicas(&json!({ "results": [] }), &VIEW), "All replicas are in sync.");
    }

    #[test]
    fn instances_show_the_leader() {
        let leader = json!({
            "id": "a", "url": "http://a", "here": true, "leader": true, "roles": ["canaries:0\u{1b}", "writes"],
        });
        let other = json!({ "id": "b", "url": "http://b", "here": false, "leader": false, "roles": [] });
        let shown = instances(&json!({ "results": [leader, other] }), &VIEW);
        let expected = "INSTANCE  URL       THIS  LEADER  ROLES\n\
                        a         http://a  yes   yes     canaries:0\\u{1b}, writes\n\
                        b         http://b  no    no      -";
        assert_eq!(shown, expected);
    }

    #[test]
    fn not_ready_has_a_line_for_each_reason() {
        let value = json!({ "ready": false, "reasons": ["no store\u{9b}", "no nodes"] });
        assert_eq!(not_ready(&value), "not ready\n  no store\\u{9b}\n  no nodes");
    }
}
