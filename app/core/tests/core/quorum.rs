//! Writes while nodes are missing: the response to the client, and the task row.

use miroir_domain::error::ErrorCode;
use miroir_domain::health::NodeStatus;
use miroir_domain::task::TaskStatus;
use miroir_ports::inbound::ApiError;

use crate::support::{Bench, Fault, Layout, films};

/// An index with documents, so that writes reach every node.
async fn bench(layout: Layout) -> Bench {
    let bench = Bench::idle(layout);
    bench.start_poller();
    bench.written("films", films(0, 40)).await;
    bench.nodes.forget_calls();
    bench
}

/// Writes while `down` cannot be reached; 202 with the text of `X-Miroir-Degraded`, or the refusal.
async fn outcome(layout: Layout, down: &[&str]) -> Result<Option<String>, String> {
    let bench = bench(layout).await;
    for node in down {
        bench.nodes.always(node, "write", Fault::Unreachable);
    }
    match bench.write("films", films(0, 40)).await {
        Ok(accepted) => {
            let task = bench.succeeded(accepted.summary.task_uid).await;
            let missed: Vec<&str> = task.node_errors.keys().map(miroir_domain::NodeId::as_str).collect();
            assert_eq!(missed, down, "the row names who missed it");
            for node in down {
                assert!(bench.is_stale("films", node), "{node} missed the write");
            }
            Ok(accepted.degraded.map(|degraded| degraded.to_string()))
        }
        Err(ApiError::Refused { code: ErrorCode::MiroirNoQuorum, message }) => {
            let row = bench.row(1).await;
            assert_eq!(row.status, TaskStatus::Failed);
            assert_eq!(row.error.unwrap().code, "miroir_no_quorum");
            let missed: Vec<&str> = row.node_errors.keys().map(miroir_domain::NodeId::as_str).collect();
            assert_eq!(missed, down);
            Err(message)
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn write_takes_undegraded_when_all_nodes_accept() {
    for layout in [
        Layout::group(&["a"], 1),
        Layout::group(&["a", "b"], 2),
        Layout::group(&["a", "b", "c"], 3),
        Layout::groups(&[&["a", "b"], &["c", "d"]], 2),
    ] {
        assert_eq!(outcome(layout, &[]).await, Ok(None));
    }
}

#[tokio::test(start_paused = true)]
async fn write_with_one_copy_fails_when_its_node_is_missing() {
    let message = outcome(Layout::group(&["a", "b"], 1), &["b"]).await.unwrap_err();
    assert!(message.contains("accepted by: a."), "{message}");
    assert!(message.contains("Task 1"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn write_with_two_copies_needs_both() {
    let message = outcome(Layout::group(&["a", "b"], 2), &["b"]).await.unwrap_err();
    assert!(message.contains("Shards 0-7"), "{message}");
    assert!(message.contains("quorum of 2"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn write_with_three_copies_does_without_one_and_not_without_two() {
    let layout = Layout::group(&["a", "b", "c"], 3);
    let degraded = outcome(layout.clone(), &["b"]).await.unwrap().unwrap();
    assert_eq!(degraded, "group=0 shards=0-7; nodes=b");
    let message = outcome(layout, &["b", "c"]).await.unwrap_err();
    assert!(message.contains("accepted by: a."), "{message}");
}

#[tokio::test(start_paused = true)]
async fn write_takes_when_one_of_two_groups_is_whole() {
    let layout = Layout::groups(&[&["a", "b"], &["c", "d"]], 2);
    let degraded = outcome(layout.clone(), &["c", "d"]).await.unwrap().unwrap();
    assert_eq!(degraded, "group=1 shards=0-7; nodes=c,d");
    let message = outcome(layout, &["a", "d"]).await.unwrap_err();
    assert!(message.contains("accepted by: "), "copies of two groups do not add up: {message}");
}

#[tokio::test(start_paused = true)]
async fn write_quorum_can_be_lowered_and_raised() {
    let with = |quorum| Layout { write_quorum: Some(quorum), ..Layout::group(&["a", "b", "c"], 3) };
    assert_eq!(outcome(with(1), &["a", "b"]).await.unwrap().unwrap(), "group=0 shards=0-7; nodes=a,b");
    assert!(outcome(with(3), &["b"]).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn write_that_no_node_took_leaves_no_node_behind_the_others() {
    let bench = bench(Layout::group(&["a", "b"], 2)).await;
    for node in ["a", "b"] {
        bench.nodes.always(node, "write", Fault::Unreachable);
    }
    let refusal = bench.write("films", films(0, 40)).await.unwrap_err();
    assert!(refusal.to_string().contains("accepted by: no node"), "{refusal}");
    assert!(!bench.is_stale("films", "a") && !bench.is_stale("films", "b"));
}

#[tokio::test(start_paused = true)]
async fn unanimous_refusal_is_the_answer_word_for_word() {
    let bench = bench(Layout::group(&["a", "b", "c"], 3)).await;
    for node in ["a", "b", "c"] {
        bench.nodes.once(node, "write", Fault::Refuse(413, "payload_too_large"));
    }
    let refusal = bench.write("films", films(0, 5)).await.unwrap_err();
    let ApiError::Node { status: 413, error } = refusal else { panic!("{refusal:?}") };
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("payload_too_large", "refused with payload_too_large")
    );
    let row = bench.row(1).await;
    assert_eq!((row.status, row.error), (TaskStatus::Failed, Some(error)));
    for node in ["a", "b", "c"] {
        assert!(!bench.is_stale("films", node), "the request is at fault, not node {node}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusal_of_all_that_were_reached_is_the_answer() {
    let bench = bench(Layout::group(&["a", "b", "c"], 3)).await;
    bench.nodes.once("a", "write", Fault::Refuse(400, "invalid_document_csv_delimiter"));
    bench.nodes.once("b", "write", Fault::Refuse(400, "invalid_document_csv_delimiter"));
    bench.nodes.once("c", "write", Fault::Unreachable);
    let refusal = bench.write("films", films(0, 5)).await.unwrap_err();
    let ApiError::Node { status: 400, error } = refusal else { panic!("{refusal:?}") };
    assert_eq!(error.code, "invalid_document_csv_delimiter");
    assert_eq!(bench.row(1).await.status, TaskStatus::Failed);
    for node in ["a", "b", "c"] {
        assert!(!bench.is_stale("films", node), "no node accepted it, so {node} missed nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_of_all_that_were_reached_is_a_missing_quorum() {
    let bench = bench(Layout::group(&["a", "b"], 2)).await;
    bench.nodes.once("a", "write", Fault::Refuse(507, "no_space_left_on_device"));
    bench.nodes.once("b", "write", Fault::Unreachable);
    let refusal = bench.write("films", films(0, 5)).await.unwrap_err();
    assert!(matches!(refusal, ApiError::Refused { code: ErrorCode::MiroirNoQuorum, .. }), "{refusal:?}");
}

#[tokio::test(start_paused = true)]
async fn refusal_of_one_node_is_a_miss_of_that_node() {
    let bench = bench(Layout::group(&["a", "b", "c"], 3)).await;
    bench.nodes.once("b", "write", Fault::Refuse(507, "no_space_left_on_device"));
    let accepted = bench.write("films", films(0, 40)).await.unwrap();
    assert_eq!(accepted.degraded.unwrap().to_string(), "group=0 shards=0-7; nodes=b");
    let task = bench.succeeded(accepted.summary.task_uid).await;
    let miss = task.node_errors.values().next().unwrap();
    assert_eq!(miss.error.code, "no_space_left_on_device");
    assert!(bench.is_stale("films", "b"));
}

#[tokio::test(start_paused = true)]
async fn failed_node_is_not_asked() {
    let bench = bench(Layout::group(&["a", "b", "c"], 3)).await;
    bench.fell("b").await;
    assert_eq!(bench.cluster.nodes.status(&"b".parse().unwrap()), NodeStatus::Failed);
    let accepted = bench.write("films", films(0, 40)).await.unwrap();
    assert!(accepted.degraded.is_some());
    assert!(bench.nodes.calls_to("b", "write").is_empty());
}
