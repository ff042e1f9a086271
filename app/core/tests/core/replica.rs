//! The record of what nodes missed: it outlives tasks, terms and processes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use miroir_core::cluster::SearchPolicy;
use miroir_core::service::ClusterService;
use miroir_core::worker::{PrunerOptions, load_states, prune_loop, repair_loop};
use miroir_domain::error::ErrorCode;
use miroir_domain::placement::shard_of;
use miroir_domain::replica::Difference;
use miroir_domain::search::SearchRequest;
use miroir_domain::task::{NewTask, Task, TaskKind, TaskQuery};
use miroir_domain::{GroupId, TaskUid};
use miroir_ports::inbound::{ApiError, ClusterApi, DocumentApi, IndexApi, ReadResponse, SearchApi};
use miroir_ports::outbound::{ReplicaRecovery, ReplicaTable, TaskTable};
use miroir_system::UuidIds;
use serde_json::{Map, json};
use tokio_util::sync::CancellationToken;

use crate::support::{Bench, Fault, Layout, films, uid};

const TRIO: [&str; 3] = ["a", "b", "c"];

/// An index of 20 films, three copies of each; `b` is away and has missed a write of 20 more.
async fn missed_by_b() -> Bench {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    bench.written("films", films(0, 20)).await;
    bench.fell("b").await;
    bench.written("films", films(20, 40)).await;
    bench
}

async fn prune_everything(bench: &Bench) {
    let later = bench.cluster.clock.now().plus(Duration::from_secs(1));
    bench.rows.task_prune(later, u32::MAX).await.unwrap();
    assert_eq!(bench.rows.task_list(&TaskQuery::default()).await.unwrap().total, 0);
}

#[tokio::test(start_paused = true)]
async fn miss_outlives_its_task_and_the_term() {
    let bench = missed_by_b().await;
    prune_everything(&bench).await;
    let bench = bench.restarted();
    bench.until("the miss is known", || bench.is_stale("films", "b")).await;
    assert!(!bench.is_stale("films", "a") && !bench.is_stale("films", "c"));
    bench.revive("b").await;
    bench.repaired("films", "b").await;
    assert_eq!(bench.nodes.ids("b", "films").len(), 40);
    let bench = bench.restarted();
    bench.cluster.replicas.recovered().await;
    assert!(bench.cluster.replicas.stale().is_empty());
}

#[tokio::test(start_paused = true)]
async fn miss_is_stored_before_the_client_gets_its_response() {
    let bench = missed_by_b().await;
    let row = bench.rows.replica_get(&uid("films"), &"b".parse().unwrap()).await.unwrap().unwrap();
    let missed = bench.row(1).await;
    assert_eq!(row.state.shard_set(), missed.node_errors[&"b".parse().unwrap()].shards);
    assert_eq!((row.task, row.since), (Some(TaskUid(1)), missed.created_at));
    assert_eq!(row.reason, "node `b` is marked failed and was not called");
}

#[tokio::test(start_paused = true)]
async fn report_says_what_differs_since_when_and_why() {
    let bench = missed_by_b().await;
    let report = ClusterService::new(
        bench.active(),
        Arc::clone(&bench.checker),
        Arc::new(()),
        Arc::new(UuidIds::default()),
    )
    .replicas();
    assert!(report.complete);
    let [stale] = &report.results[..] else { panic!("{report:?}") };
    let missed = bench.row(1).await.node_errors[&"b".parse().unwrap()].shards.clone();
    assert_eq!((stale.index.as_str(), stale.node.as_str(), stale.shards.clone()), ("films", "b", missed));
    assert_eq!((stale.settings, stale.whole_index, stale.task_uid), (false, false, Some(TaskUid(1))));
    assert!(stale.since.is_some() && stale.reason.contains("marked failed"), "{stale:?}");
}

/// The store records the task and the miss in one unit, so it refuses both or neither.
#[tokio::test(start_paused = true)]
async fn miss_is_found_again_after_the_store_refused_it() {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    bench.written("films", films(0, 20)).await;
    bench.nodes.once("b", "write", Fault::Unreachable);
    bench.faults.script.fail("task_put_with", 1);
    bench.write("films", films(20, 40)).await.unwrap_err();
    let task = bench.finished(TaskUid(1)).await;
    assert_eq!(task.node_errors.len(), 1, "{task:#?}");
    bench.repaired("films", "b").await;
    assert_eq!(bench.nodes.ids("b", "films").len(), 40);
}

/// An older Miroir led in between: it recorded a miss in its task alone.
#[tokio::test(start_paused = true)]
async fn misses_of_a_term_of_an_older_miroir_are_carried_over() {
    for gap in [1, 2] {
        let bench = missed_by_b().await;
        bench.kill();
        bench.rows.replica_forget(&uid("films")).await.unwrap();
        let last = bench.rows.replica_recovery_get().await.unwrap().unwrap();
        let term = last.term + 1 - gap;
        bench.rows.replica_recovery_put(ReplicaRecovery { term, ..last }).await.unwrap();
        let bench = bench.restarted();
        bench.cluster.replicas.recovered().await;
        assert_eq!(bench.is_stale("films", "b"), gap > 1, "{gap}");
    }
}

#[tokio::test(start_paused = true)]
async fn carry_over_reads_no_task_that_had_ended_before_the_older_term() {
    let bench = missed_by_b().await;
    bench.kill();
    bench.rows.replica_forget(&uid("films")).await.unwrap();
    let recovery = ReplicaRecovery { term: bench.term - 1, oldest_open: TaskUid(2) };
    bench.rows.replica_recovery_put(recovery).await.unwrap();
    let bench = bench.restarted();
    bench.cluster.replicas.recovered().await;
    assert!(!bench.is_stale("films", "b"), "task 1 had ended");
}

/// The calls to the store between the start of a term and the end of its recovery, with so many ended tasks.
async fn calls_of_recovery(ended: u32) -> Vec<&'static str> {
    let bench = missed_by_b().await;
    for _ in 0..ended {
        let failure = Some(ErrorCode::IndexNotFound.with_message("Index `books` not found."));
        let new = NewTask { failure, ..deletion("books") };
        bench.rows.task_create(new, bench.cluster.clock.now()).await.unwrap();
    }
    bench.kill();
    let bench = bench.restarted_without_workers();
    load_states(&bench.cluster).await.unwrap();
    let shutdown = CancellationToken::new();
    tokio::spawn(repair_loop(bench.cluster.clone(), bench.term, Arc::new(|| true), shutdown.clone()));
    bench.cluster.replicas.recovered().await;
    shutdown.cancel();
    assert!(bench.is_stale("films", "b"));
    bench.faults.calls()
}

fn deletion(index: &str) -> NewTask {
    NewTask {
        kind: TaskKind::IndexDeletion,
        index_uid: Some(uid(index)),
        physical_uid: None,
        node_tasks: BTreeMap::new(),
        details: None,
        custom_metadata: None,
        failure: None,
        changes: None,
    }
}

#[tokio::test(start_paused = true)]
async fn new_term_costs_the_same_however_many_tasks_have_ended() {
    assert_eq!(calls_of_recovery(0).await, calls_of_recovery(3_000).await);
}

#[tokio::test(start_paused = true)]
async fn pruning_waits_until_misses_are_carried_over() {
    let bench = Bench::idle(Layout::group(&TRIO, 3));
    bench.start_poller();
    bench.written("films", films(0, 20)).await;
    let options = PrunerOptions { keep: Duration::ZERO, interval: Duration::from_secs(1) };
    tokio::spawn(prune_loop(bench.cluster.clone(), options, CancellationToken::new()));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(bench.has_row(0).await);
    bench.cluster.replicas.set_recovered();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!bench.has_row(0).await);
}

#[tokio::test(start_paused = true)]
async fn node_without_the_index_gets_no_write_that_would_create_it() {
    let bench = Bench::idle(Layout::group(&TRIO, 3));
    bench.start_poller();
    bench.nodes.once("b", "write index-create", Fault::Unreachable);
    bench.written("films", films(0, 20)).await;
    let task: Task = bench.written("films", films(20, 40)).await;
    let miss = &task.node_errors[&"b".parse().unwrap()];
    assert_eq!(miss.error.message, "node `b` does not have index `films` until it is repaired");
    assert!(bench.nodes.index("b", "films").is_none());
    let deleted = bench.index.index_delete(uid("films")).await.unwrap();
    bench.succeeded(deleted.summary.task_uid).await;
}

/// The response of the creation is lost, and so is the process, before anything is known of it.
#[tokio::test(start_paused = true)]
async fn creation_in_doubt_keeps_writes_from_the_node_across_terms() {
    let bench = Bench::idle(Layout::group(&TRIO, 3));
    bench.nodes.once("b", "write index-create", Fault::LoseRequest);
    bench.write("films", films(0, 20)).await.unwrap();
    let bench = bench.restarted();
    bench.cluster.replicas.recovered().await;
    assert!(bench.cluster.replicas.may_lack_index(&uid("films"), &"b".parse().unwrap()));
    bench.write("films", films(20, 40)).await.unwrap();
    bench.until("all replicas are in sync", || bench.cluster.replicas.stale().is_empty()).await;
    let (b, a) = (bench.nodes.index("b", "films").unwrap(), bench.nodes.index("a", "films").unwrap());
    assert_eq!((b.documents.len(), b.all_settings()), (40, a.all_settings()));
}

/// `a` and `c` are away; `b` is back, and has missed a write of 20 films.
async fn only_b_is_left(policy: SearchPolicy) -> Bench {
    let bench =
        Bench::running(Layout { search_policy: policy, write_quorum: Some(1), ..Layout::group(&TRIO, 3) });
    bench.written("films", films(0, 20)).await;
    bench.fell("b").await;
    bench.written("films", films(20, 40)).await;
    bench.stop();
    bench.revive("b").await;
    bench.fell("a").await;
    bench.fell("c").await;
    bench
}

async fn search_all(bench: &Bench) -> Result<ReadResponse, ApiError> {
    let request = SearchRequest::from_json(json!({"limit": 100})).unwrap();
    bench.search.search(uid("films"), request).await
}

#[tokio::test(start_paused = true)]
async fn response_of_a_stale_replica_says_so() {
    let bench = only_b_is_left(SearchPolicy::Partial).await;
    let missed = bench.row(1).await.node_errors[&"b".parse().unwrap()].shards.to_string();
    let degraded = format!("group=0 shards={missed}; nodes=b");
    let found = search_all(&bench).await.unwrap();
    assert_eq!(found.body["hits"].as_array().unwrap().len(), 20);
    assert_eq!(found.degraded.unwrap().to_string(), degraded);
    let listed = bench.document.document_list(uid("films"), Map::new()).await.unwrap();
    assert_eq!(listed.degraded.unwrap().to_string(), degraded);
    let stats = bench.index.index_stats(uid("films")).await.unwrap();
    assert_eq!(stats.degraded.unwrap().to_string(), degraded);
    let shard = shard_of("3", 8);
    let read = bench.document.document_get(uid("films"), "3".to_owned(), Map::new()).await.unwrap();
    assert_eq!(read.degraded.unwrap().to_string(), format!("group=0 shards={shard}; nodes=b"));
}

#[tokio::test(start_paused = true)]
async fn stale_replica_does_not_decide_that_a_document_is_not_there() {
    let bench = only_b_is_left(SearchPolicy::Partial).await;
    let error = bench.document.document_get(uid("films"), "30".to_owned(), Map::new()).await.unwrap_err();
    assert!(error.to_string().contains("missed writes responds, and does not have"), "{error}");
    assert!(matches!(error, ApiError::Refused { code: ErrorCode::MiroirShardUnavailable, .. }));
}

#[tokio::test(start_paused = true)]
async fn stale_replica_serves_nothing_under_the_policy_error() {
    let bench = only_b_is_left(SearchPolicy::Error).await;
    let get = bench.document.document_get(uid("films"), "3".to_owned(), Map::new()).await;
    for error in [search_all(&bench).await.unwrap_err(), get.unwrap_err()] {
        assert!(
            matches!(error, ApiError::Refused { code: ErrorCode::MiroirShardUnavailable, .. }),
            "{error}"
        );
        assert!(error.to_string().contains("in sync"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn response_of_replicas_in_sync_says_nothing_of_a_stale_one() {
    let bench = missed_by_b().await;
    bench.stop();
    bench.revive("b").await;
    assert!(bench.is_stale("films", "b"));
    let found = search_all(&bench).await.unwrap();
    assert_eq!((found.body["hits"].as_array().unwrap().len(), found.degraded), (40, None));
    for id in 0..40 {
        let read = bench.document.document_get(uid("films"), id.to_string(), Map::new()).await.unwrap();
        assert_eq!(read.degraded, None);
    }
}

/// The cost of a node is rounded, so replicas often cost the same. By name, one node would get most reads.
#[tokio::test(start_paused = true)]
async fn document_is_read_from_its_best_replica_by_placement_if_all_cost_the_same() {
    let bench = Bench::idle(Layout::group(&TRIO, 3));
    bench.start_poller();
    bench.written("films", films(0, 40)).await;
    // As slow as a node is assumed to be before its first response.
    bench.nodes.delay(|_, _| Duration::from_millis(1));
    let placement = bench.cluster.placements.of(8);
    for id in 0..40 {
        let best = &placement.replicas(shard_of(&id.to_string(), 8), GroupId(0))[0];
        bench.nodes.forget_calls();
        bench.document.document_get(uid("films"), id.to_string(), Map::new()).await.unwrap();
        let called: Vec<String> = bench.nodes.calls().iter().map(|call| call.node.to_string()).collect();
        assert_eq!(called, [best.to_string()], "film {id}");
    }
}

/// A write by the former topology reaches a node just before it is given up, when the node has lost a shard.
#[tokio::test(start_paused = true)]
async fn late_write_leaves_no_documents_of_a_shard_that_the_node_has_lost() {
    let bench = Bench::running(Layout::group(&TRIO, 3));
    bench.written("films", films(0, 40)).await;
    bench.nodes.once("c", "write", Fault::Late(Duration::from_millis(10_600)));
    let written = bench.write("films", films(40, 80)).await.unwrap();
    let index = uid("films");
    let kept = |bench: &Bench, node: &str| {
        bench
            .cluster
            .placements
            .of(bench.cluster.placements.default_shard_count())
            .shards_of(&uid(node))
            .clone()
    };
    let before = TRIO.map(|node| kept(&bench, node));
    let bench = bench.restarted_with_factor(2);
    // As the acceptance of the topology does.
    for (node, before) in TRIO.iter().zip(before) {
        let lost = Difference::of_shards(before.difference(&kept(&bench, node)));
        let mark = bench.cluster.replicas.new_mark(&index, &uid(node), lost, None, "it has lost shards");
        bench.rows.replica_mark(&[mark]).await.unwrap();
    }
    let bench = bench.restarted();
    for node in TRIO {
        bench.revive(node).await;
    }
    bench.finished(written.summary.task_uid).await;
    bench.until("all is in sync", || bench.cluster.replicas.stale().is_empty()).await;
    tokio::time::sleep(Duration::from_secs(40)).await;
    for node in TRIO {
        assert_eq!(bench.nodes.ids(node, "films"), bench.share(node, 80), "node {node}");
    }
}
