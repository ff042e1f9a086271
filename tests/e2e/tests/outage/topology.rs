//! Changes of nodes, groups and replication factor between two starts.

use miroir_e2e::{Cluster, NODE_KIND, Node, until};
use serde_json::{Value, json};

use crate::fixture::{FILMS, films, finds, if_there, load, until_in_sync, until_whole};

async fn restart_with(cluster: &mut Cluster, configuration: Value) -> Result<(), String> {
    cluster.miroir().terminate().await.unwrap();
    cluster.miroir().configure(configuration).unwrap();
    cluster.miroir().start().await.map_err(|error| format!("{error:#}"))
}

/// Starts a cluster of `used` of `nodes` nodes.
async fn cluster_of(nodes: usize, used: usize, replication_factor: u32) -> Cluster {
    let builder = Cluster::builder().kind(NODE_KIND).nodes(nodes).replication_factor(replication_factor);
    let mut cluster =
        builder.configuration(json!({ "cluster": { "write_quorum": 1 } })).start_nodes().await.unwrap();
    let first = entries_of(&mut cluster, &vec![0; used]);
    cluster.miroir().configure(json!({ "nodes": first })).unwrap();
    cluster.miroir().start().await.unwrap();
    load(&cluster.client()).await;
    cluster
}

/// Returns the configuration of the first nodes, one for each of `groups`.
fn entries_of(cluster: &mut Cluster, groups: &[u32]) -> Value {
    let entry = |(node, group): (&Node, &u32)| json!({ "id": node.id(), "url": node.url(), "group": group });
    cluster.nodes().iter().zip(groups).map(entry).collect()
}

#[tokio::test]
async fn another_topology_is_refused_with_its_changes_and_the_command() {
    let mut cluster = cluster_of(4, 3, 1).await;
    let nodes = entries_of(&mut cluster, &[0, 0, 0, 0]);
    let refused = restart_with(&mut cluster, json!({ "nodes": nodes })).await.unwrap_err();
    assert!(refused.contains("node `node-4`") && refused.contains("is new"), "{refused}");
    assert!(refused.contains("miroir topology accept"), "{refused}");
    // With one copy, the new node would take shards from nodes that have the only copy.
    for command in [&["topology", "accept"][..], &["topology", "accept", "--dry-run"]] {
        let refused = format!("{:#}", cluster.miroir().run(command).await.unwrap_err());
        assert!(refused.contains("without any of the nodes that have their documents"), "{refused}");
    }
    let dry = ["topology", "accept", "--dry-run", "--allow-loss"];
    let dry = cluster.miroir().run(&dry).await.unwrap();
    assert!(dry.contains("node `node-4`") && dry.contains("Nothing was changed."), "{dry}");
    assert!(dry.contains("replicas would change"), "{dry}");
    let nodes = entries_of(&mut cluster, &[0, 0, 0]);
    cluster.miroir().configure(json!({ "nodes": nodes })).unwrap();
    cluster.miroir().start().await.unwrap();
    finds(&cluster.client(), FILMS).await;
}

#[tokio::test]
async fn raised_replication_factor_is_filled() {
    let mut cluster = cluster_of(3, 3, 1).await;
    let raised = json!({ "cluster": { "replication_factor": 2 } });
    let refused = restart_with(&mut cluster, raised).await.unwrap_err();
    assert!(refused.contains("`cluster.replication_factor` is 2 instead of 1"), "{refused}");
    let accepted = cluster.miroir().run(&["topology", "accept"]).await.unwrap();
    assert!(accepted.contains("are filled once Miroir runs with it"), "{accepted}");
    cluster.miroir().start().await.unwrap();
    let client = cluster.client();
    finds(&client, FILMS).await;
    client.write("POST", "/indexes/films/documents", films(FILMS..FILMS + 20)).await.unwrap();
    until_in_sync(&cluster.client()).await;
    until_whole(&mut cluster, 2, 0..FILMS + 20).await;
}

#[tokio::test]
async fn new_group_is_filled() {
    let mut cluster = cluster_of(4, 2, 1).await;
    let nodes = entries_of(&mut cluster, &[0, 0, 1, 1]);
    assert!(restart_with(&mut cluster, json!({ "nodes": nodes })).await.is_err());
    cluster.miroir().run(&["topology", "accept"]).await.unwrap();
    cluster.miroir().start().await.unwrap();
    let client = cluster.client();
    finds(&client, FILMS).await;
    until_in_sync(&cluster.client()).await;
    until_whole(&mut cluster, 2, 0..FILMS).await;
}

#[tokio::test]
async fn dead_node_is_replaced_by_an_empty_one() {
    let mut cluster = cluster_of(4, 3, 2).await;
    cluster.node(2).kill().await.unwrap();
    let all = entries_of(&mut cluster, &[0, 0, 0, 0]);
    let nodes = json!([all[0], all[1], all[3]]);
    assert!(restart_with(&mut cluster, json!({ "nodes": nodes })).await.is_err());
    cluster.miroir().run(&["topology", "accept"]).await.unwrap();
    cluster.miroir().start().await.unwrap();
    let client = cluster.client();
    finds(&client, FILMS).await;
    until_in_sync(&cluster.client()).await;
    // Each film is on two of the three nodes that are left.
    for film in 0..FILMS {
        let mut copies = 0;
        for position in [0, 1, 3] {
            let path = format!("/indexes/films/documents/{film}");
            copies += usize::from(if_there(cluster.node(position), &path).await.is_some());
        }
        assert_eq!(copies, 2, "film {film}");
    }
}

#[tokio::test]
async fn node_that_moved_keeps_its_data() {
    let mut cluster = cluster_of(3, 2, 2).await;
    for position in [1, 2] {
        cluster.node(position).kill().await.unwrap();
    }
    let data = cluster.node(1).data().unwrap();
    cluster.node(2).restore(data).await.unwrap();
    cluster.node(2).restart().await.unwrap();
    let url = cluster.node(2).url().to_owned();
    let first = entries_of(&mut cluster, &[0]);
    let nodes = json!([first[0], { "id": "node-2", "url": url, "group": 0 }]);
    let refused = restart_with(&mut cluster, json!({ "nodes": nodes })).await.unwrap_err();
    assert!(refused.contains("node `node-2` has the URL"), "{refused}");
    let accepted = cluster.miroir().run(&["topology", "accept"]).await.unwrap();
    assert!(accepted.contains("No documents have to be copied"), "{accepted}");
    cluster.miroir().start().await.unwrap();
    until_in_sync(&cluster.client()).await;
    cluster.node(0).kill().await.unwrap();
    let client = cluster.client();
    let search = || client.call("POST", "/indexes/films/search", json!({ "limit": 1_000 }));
    let hits = until("the moved node serves alone", || async {
        search()
            .await
            .ok()
            .filter(|response| response.status == 200 && response.header("x-miroir-degraded").is_none())
    })
    .await;
    assert_eq!(hits.expect(200).unwrap()["hits"].as_array().unwrap().len() as u64, FILMS);
}

#[tokio::test]
async fn change_that_leaves_writes_behind_needs_a_decision() {
    let mut cluster = cluster_of(3, 3, 2).await;
    let client = cluster.client();
    cluster.node(0).kill().await.unwrap();
    client.write("POST", "/indexes/films/documents", films(FILMS..FILMS + 40)).await.unwrap();
    // Before its repair, another one is lost.
    cluster.miroir().kill().await.unwrap();
    cluster.node(0).restart().await.unwrap();
    cluster.node(2).kill().await.unwrap();
    let nodes = entries_of(&mut cluster, &[0, 0]);
    cluster.miroir().configure(json!({ "nodes": nodes })).unwrap();
    let refused = cluster.miroir().run(&["topology", "accept"]).await.unwrap_err();
    assert!(
        format!("{refused:#}").contains("without any of the nodes that have their documents"),
        "{refused:#}"
    );
    assert!(format!("{refused:#}").contains("--allow-loss"), "{refused:#}");
    cluster.miroir().run(&["topology", "accept", "--allow-loss"]).await.unwrap();
    cluster.miroir().start().await.unwrap();
    let client = cluster.client();
    let search = || client.call("POST", "/indexes/films/search", json!({ "limit": 1_000 }));
    let response = search().await.unwrap();
    assert!(response.header("x-miroir-degraded").is_some(), "{}", response.body);
    client.call("POST", "/_miroir/nodes/node-1/adopt", Value::Null).await.unwrap().expect(200).unwrap();
    until_in_sync(&client).await;
    let response = search().await.unwrap();
    assert_eq!(response.header("x-miroir-degraded"), None);
    let found = response.expect(200).unwrap()["hits"].as_array().unwrap().len() as u64;
    assert!((FILMS..FILMS + 40).contains(&found), "{found}");
}
