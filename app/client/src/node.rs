//! `miroir node`: the nodes, and decisions about their data.

use clap::Subcommand;
use serde_json::Value;

use crate::client::Request;
use crate::failure::Failure;
use crate::output::View;
use crate::session::Session;
use crate::table::{Cell, Table};
use crate::text::clean;
use crate::value::{entries, text, time_from};

/// The commands of `miroir node`.
#[derive(Debug, Subcommand)]
pub enum NodeCommand {
    /// List nodes with their version, the incarnation of their data, and the reason if they are not used.
    List,
    /// Accept the data of a node: unknown data, or replicas that no other node has in sync. Everything that
    /// another node has is repaired from there.
    Adopt {
        /// Name of the node.
        node: String,
    },
    /// Delete all indexes of a node whose data is unknown, and fill it from the others.
    Reset {
        /// Name of the node.
        node: String,
    },
}

/// Runs a command of `miroir node`.
pub async fn run(session: Session, command: NodeCommand) -> Result<(), Failure> {
    match command {
        NodeCommand::List => session.show(Request::get(&["_miroir", "topology"]), list).await,
        NodeCommand::Adopt { node } => {
            session
                .show(Request::post(&["_miroir", "nodes", &node, "adopt"]), |node, _| {
                    changed("adopted", node)
                })
                .await
        }
        NodeCommand::Reset { node } => {
            session
                .show(Request::post(&["_miroir", "nodes", &node, "reset"]), |node, _| changed("reset", node))
                .await
        }
    }
}

fn changed(done: &str, node: &Value) -> String {
    format!("{done} {}: {}", clean(&text(&node["id"])), clean(&text(&node["status"])))
}

fn list(topology: &Value, view: &View) -> String {
    let mut table = Table::new(&[
        "NODE",
        "GROUP",
        "STATUS",
        "SINCE (UTC)",
        "VERSION",
        "INCARNATION",
        "URL",
        "LAST ERROR",
    ]);
    for group in entries(&topology["groups"]) {
        for node in entries(&group["nodes"]) {
            table.row([
                Cell::new(text(&node["id"])),
                Cell::number(text(&group["id"])),
                Cell::status(text(&node["status"])),
                Cell::new(time_from(&node["changedAt"], view)),
                Cell::new(text(&node["version"])),
                Cell::new(text(&node["incarnation"])),
                Cell::new(text(&node["url"])),
                Cell::free(text(&node["lastError"])),
            ]);
        }
    }
    table.render(view, "There are no nodes.")
}

#[cfg(test)]
mod tests {
    use miroir_domain::Timestamp;
    use serde_json::json;

    use super::*;

    #[test]
    fn list_shows_version_incarnation_and_reason() {
        let view = View { colors: false, now: Timestamp::EPOCH };
        let node = json!({
            "id": "node-1", "url": "http://h:1", "status": "failed", "version": "1.50.0", "incarnation": "i-1",
            "lastError": "it has documents and no marker\u{1b}[0m", "changedAt": "1970-01-01T00:00:00.000Z",
        });
        let new = json!({ "id": "node-2", "url": "http://h:2", "status": "unknown" });
        let shown = list(&json!({ "groups": [{ "id": 3, "nodes": [node, new] }] }), &view);
        for part in ["node-1", "1.50.0", "i-1", "no marker\\u{1b}[0m", "node-2", "unknown"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert_eq!(list(&json!({ "groups": [] }), &view), "There are no nodes.");
    }

    #[test]
    fn changed_names_the_node_and_its_status() {
        assert_eq!(changed("reset", &json!({ "id": "n", "status": "healthy" })), "reset n: healthy");
    }
}
