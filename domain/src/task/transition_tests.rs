use proptest::prelude::*;
use proptest::sample::select;

use super::super::TaskKind;
use super::super::fixture::*;
use super::*;

#[test]
fn task_follows_its_nodes_from_enqueued_to_succeeded() {
    let task = after(task(&["a", "b"]), [accepted("a"), accepted("b"), dispatched(&[])]);
    assert_eq!((task.status, task.started_at), (TaskStatus::Enqueued, None));
    let task = after(task, [reported("a", TaskStatus::Succeeded)]);
    assert_eq!((task.status, task.started_at), (TaskStatus::Processing, Some(at(10))));
    let (task, effects) = task.apply(reported("b", TaskStatus::Succeeded), later()).unwrap();
    assert_eq!((task.status, task.finished_at), (TaskStatus::Succeeded, Some(at(20))));
    assert_eq!(effects, [Effect::Finished(TaskStatus::Succeeded)]);
    assert_eq!(task.version, 1);
}

#[test]
fn pending_nodes_keep_a_task_open() {
    let task = after(task(&["a", "b"]), [reported("a", TaskStatus::Succeeded)]);
    assert_eq!(task.status, TaskStatus::Processing);
    let done = after(task.clone(), [missed("b"), dispatched(&[])]);
    assert_eq!(done.status, TaskStatus::Succeeded);
    let lost = after(task, [missed("b"), dispatched(&[0])]);
    assert_eq!(lost.status, TaskStatus::Failed);
}

#[test]
fn last_pending_node_does_not_end_the_task_before_the_verdict() {
    let task = after(task(&["a", "b"]), [reported("a", TaskStatus::Succeeded)]);
    for event in [missed("b"), reported("b", TaskStatus::Succeeded)] {
        let task = after(task.clone(), [event]);
        assert_eq!(task.status, TaskStatus::Processing);
        assert_eq!(after(task.clone(), [dispatched(&[])]).status, TaskStatus::Succeeded);
        assert_eq!(after(task, [dispatched(&[0])]).error.unwrap().code, "miroir_no_quorum");
    }
}

#[test]
fn write_without_quorum_fails_at_once_and_names_the_nodes_that_have_it() {
    let task = after(task(&["a", "b", "c"]), [accepted("a"), missed("b"), missed("c")]);
    let (task, effects) = task.apply(dispatched(&[0]), at(50)).unwrap();
    assert_eq!(effects, [Effect::Finished(TaskStatus::Failed)]);
    assert_eq!((task.started_at, task.finished_at), (Some(at(50)), Some(at(50))));
    let error = task.error.clone().unwrap();
    assert_eq!((error.code.as_str(), error.kind.as_str()), ("miroir_no_quorum", "system"));
    assert_eq!(
        error.message,
        "The write reached no quorum with a replica in sync for shards 0. It was accepted, and may take effect, on node \
         `a`. It was missed by node `b` (shards 0): connection refused; node `c` (shards 0): connection refused"
    );
    let (task, effects) = task.apply(reported("a", TaskStatus::Succeeded), later()).unwrap();
    assert_eq!((task.status, task.error), (TaskStatus::Failed, Some(error)));
    assert_eq!(task.node_tasks[&node("a")].status, NodeTaskState::Succeeded);
    assert_eq!(effects, []);
}

#[test]
fn write_that_every_node_missed_fails_by_its_verdict() {
    let task = after(task(&["a"]), [missed("a")]);
    assert_eq!(task.status, TaskStatus::Enqueued);
    assert!(task.node_tasks.is_empty() && task.node_errors.contains_key(&node("a")));
    let task = after(task, [dispatched(&[])]);
    let message = task.error.unwrap().message;
    assert!(message.starts_with("No node accepted the write. It was accepted by no node."), "{message}");
}

#[test]
fn write_without_any_node_succeeds_by_its_verdict() {
    let (task, effects) = task(&[]).apply(dispatched(&[]), at(3)).unwrap();
    assert_eq!(effects, [Effect::Finished(TaskStatus::Succeeded)]);
    assert_eq!((task.started_at, task.finished_at, task.error), (Some(at(3)), Some(at(3)), None));
}

#[test]
fn refusal_by_all_nodes_fails_the_task_with_their_error() {
    let task = after(task(&["a", "b"]), [missed("a"), missed("b")]);
    let refused = Event::Refused { error: error("as the node reported") };
    let (task, effects) = task.apply(refused.clone(), at(9)).unwrap();
    assert_eq!((task.status, &task.error), (TaskStatus::Failed, &Some(error("as the node reported"))));
    assert_eq!(effects, [Effect::Finished(TaskStatus::Failed)]);
    assert_eq!(task.clone().apply(refused, later()).unwrap(), (task, vec![]));
}

#[test]
fn one_code_on_all_nodes_gives_the_error_of_the_first() {
    let task = after(task(&["a", "b"]), [accepted("a"), accepted("b"), dispatched(&[])]);
    let task = after(task, ["b", "a"].map(|name| reported(name, TaskStatus::Failed)));
    assert_eq!(task.error, Some(error("bad id")));
}

#[test]
fn error_names_nodes_that_disagree() {
    let task = after(task(&["a", "b", "c", "d"]), ["a", "b", "c", "d"].map(accepted));
    let events = [
        dispatched(&[]),
        reported("a", TaskStatus::Succeeded),
        reported("b", TaskStatus::Failed),
        reported("c", TaskStatus::Failed),
        reported("d", TaskStatus::Canceled),
    ];
    let task = after(task, events);
    assert_eq!(task.status, TaskStatus::Failed);
    let error = task.error.unwrap();
    assert_eq!(error.code, "invalid_document_id");
    assert_eq!(
        error.message,
        "The nodes disagree: failed on nodes `b`, `c`: bad id; succeeded on node `a`; was canceled on node `d`."
    );
}

#[test]
fn error_names_all_different_codes() {
    let task = after(task(&["a", "b"]), [accepted("a"), accepted("b"), dispatched(&[])]);
    let other = NodeTaskReport {
        error: Some(ErrorCode::IndexNotFound.with_message("Index `movies` not found.")),
        ..report(TaskStatus::Failed)
    };
    let events = [reported("a", TaskStatus::Failed), Event::NodeReported { node: node("b"), report: other }];
    let message = after(task, events).error.unwrap().message;
    assert!(message.contains("node `a`: bad id; failed on node `b`: Index `movies` not found."), "{message}");
}

#[test]
fn deletion_succeeds_if_some_nodes_had_no_such_index() {
    let end = |kind: TaskKind, code: &str| {
        let none = ResponseError { code: code.to_owned(), ..error("Index `movies` not found.") };
        let other = NodeTaskReport { error: Some(none), ..report(TaskStatus::Failed) };
        let task = Task { kind, ..after(task(&["a", "b"]), [accepted("a"), accepted("b"), dispatched(&[])]) };
        let events =
            [reported("a", TaskStatus::Succeeded), Event::NodeReported { node: node("b"), report: other }];
        after(task, events).status
    };
    assert_eq!(end(TaskKind::IndexDeletion, "index_not_found"), TaskStatus::Succeeded);
    assert_eq!(end(TaskKind::IndexDeletion, "internal"), TaskStatus::Failed);
    assert_eq!(end(TaskKind::DocumentDeletion, "index_not_found"), TaskStatus::Failed);
}

#[test]
fn deletion_succeeds_if_no_node_had_the_index() {
    let none = ResponseError { code: "index_not_found".to_owned(), ..error("Index `movies` not found.") };
    let report = NodeTaskReport { error: Some(none), ..report(TaskStatus::Failed) };
    let end = |kind: TaskKind| {
        let task = Task { kind, ..after(task(&["a", "b"]), [accepted("a"), accepted("b"), dispatched(&[])]) };
        let reports = ["a", "b"].map(|name| Event::NodeReported { node: node(name), report: report.clone() });
        let task = after(task, reports);
        (task.status, task.error.map(|error| error.code))
    };
    assert_eq!(end(TaskKind::IndexDeletion), (TaskStatus::Succeeded, None));
    let failed = (TaskStatus::Failed, Some("index_not_found".to_owned()));
    assert_eq!(end(TaskKind::DocumentDeletion), failed);
}

#[test]
fn canceled_node_task_cancels_the_task() {
    let task = after(task(&["a", "b"]), [accepted("a"), accepted("b"), dispatched(&[])]);
    let task = after(task, [reported("a", TaskStatus::Canceled), reported("b", TaskStatus::Succeeded)]);
    assert_eq!((task.status, task.error), (TaskStatus::Canceled, None));
}

#[test]
fn forgotten_node_task_fails() {
    let task = after(task(&["a"]), [accepted("a"), dispatched(&[]), Event::NodeForgot { node: node("a") }]);
    assert_eq!((task.status, task.finished_at), (TaskStatus::Failed, Some(later())));
    let message = task.error.unwrap().message;
    assert_eq!(
        message,
        "node `a` no longer has the write it accepted, its task 1: its database was lost or replaced"
    );
}

#[test]
fn forgetting_a_finished_node_task_changes_nothing() {
    let task = after(task(&["a"]), [accepted("a"), dispatched(&[]), reported("a", TaskStatus::Succeeded)]);
    assert_eq!(after(task.clone(), [Event::NodeForgot { node: node("a") }]), task);
}

#[test]
fn unknown_nodes_and_changed_uids_are_refused() {
    for event in [accepted("x"), missed("x"), reported("x", TaskStatus::Enqueued)] {
        let refusal = task(&["a"]).apply(event, later()).unwrap_err();
        assert_eq!(refusal, InvalidTransition::UnknownNode { task: crate::TaskUid(7), node: node("x") });
    }
    let task = after(task(&["a"]), [accepted("a")]);
    let refusal =
        task.apply(Event::NodeAccepted { node: node("a"), uid: 2 }, later()).unwrap_err().to_string();
    assert_eq!(refusal, "node `a` accepted task 7 as 1, and now as 2");
}

#[test]
fn miss_after_an_acceptance_changes_nothing() {
    let task = after(task(&["a"]), [accepted("a")]);
    assert_eq!(after(task.clone(), [missed("a")]), task);
}

#[test]
fn node_clocks_never_put_a_task_before_its_creation_or_into_the_future() {
    let run = |started: i64, finished: i64| {
        let skewed = NodeTaskReport {
            started_at: Some(at(started)),
            finished_at: Some(at(finished)),
            ..report(TaskStatus::Succeeded)
        };
        let task = after(task(&["a"]), [accepted("a"), dispatched(&[])]);
        let (task, _) = task.apply(Event::NodeReported { node: node("a"), report: skewed }, at(100)).unwrap();
        (task.started_at.unwrap(), task.finished_at.unwrap())
    };
    assert_eq!(run(-5_000, -4_000), (at(0), at(0)));
    assert_eq!(run(-5_000, 60), (at(0), at(60)));
    assert_eq!(run(7_000, 9_000), (at(100), at(100)));
    assert_eq!(run(50, 40), (at(50), at(50)));
}

/// The reports of node task `name` over its life, up to its end.
fn life(name: &str, end: TaskStatus, started: i64, finished: i64) -> Vec<Event> {
    let stage = |status: TaskStatus| {
        let report = NodeTaskReport {
            started_at: (status != TaskStatus::Enqueued).then(|| at(started)),
            finished_at: status.is_finished().then(|| at(finished)),
            error: (status == TaskStatus::Failed).then(|| error(&format!("bad id on {name}"))),
            ..report(status)
        };
        Event::NodeReported { node: node(name), report }
    };
    [TaskStatus::Enqueued, TaskStatus::Processing, end].map(stage).to_vec()
}

const NODES: [&str; 3] = ["a", "b", "c"];

prop_compose! {
    fn node_lives()(
        ends in proptest::collection::vec(
            (select(vec![TaskStatus::Succeeded, TaskStatus::Failed, TaskStatus::Canceled]), -50_i64..200, -50_i64..200),
            NODES.len(),
        ),
    ) -> Vec<Vec<Event>> {
        NODES
            .iter()
            .zip(ends)
            .map(|(name, (end, started, finished))| life(name, end, started, finished))
            .collect()
    }
}

proptest! {
    /// Reports may come late, twice and in any order between nodes, as long as each node's last report comes.
    #[test]
    fn any_interleaving_of_reports_ends_in_the_same_task(
        lives in node_lives(),
        order in proptest::collection::vec((0_usize..3, 0_usize..3), 0..30),
    ) {
        let start = after(task(&NODES), NODES.map(accepted).into_iter().chain([dispatched(&[])]));
        let plain = after(start.clone(), lives.iter().flatten().cloned());
        let mut shuffled = start;
        let noise = order.into_iter().map(|(node, stage)| lives[node][stage].clone());
        let ends = lives.iter().rev().map(|life| life[2].clone());
        for event in noise.chain(ends) {
            let (before, rank) = (shuffled.status, forward(shuffled.status));
            let (next, effects) = shuffled.apply(event.clone(), later()).unwrap();
            prop_assert!(forward(next.status) >= rank);
            prop_assert_eq!(!effects.is_empty(), !before.is_finished() && next.status.is_finished());
            // Idempotence: a report that comes twice counts once.
            prop_assert_eq!(next.clone().apply(event, later()).unwrap(), (next.clone(), vec![]));
            shuffled = next;
        }
        prop_assert!(plain.status.is_finished());
        prop_assert!(plain.created_at <= plain.started_at.unwrap());
        prop_assert!(plain.started_at <= plain.finished_at);
        prop_assert_eq!(shuffled, plain);
    }

    /// Any events in any order are applied without a panic; statuses never move back, and a finished task
    /// keeps its verdict.
    #[test]
    fn any_sequence_of_events_only_moves_forward(
        picks in proptest::collection::vec((0_usize..3, 0_usize..8), 0..40),
        lives in node_lives(),
    ) {
        let mut task = task(&NODES);
        for (who, what) in picks {
            let name = NODES[who];
            let event = match what {
                0 => accepted(name),
                1 => missed(name),
                2 => Event::NodeForgot { node: node(name) },
                3 => dispatched(&[]),
                4 => dispatched(&[0]),
                stage => lives[who][stage - 5].clone(),
            };
            let Ok((next, _)) = task.clone().apply(event, later()) else { continue };
            prop_assert!(forward(next.status) >= forward(task.status));
            if task.status.is_finished() {
                prop_assert_eq!(next.status, task.status);
                prop_assert_eq!(&next.error, &task.error);
                prop_assert_eq!(next.finished_at, task.finished_at);
            }
            prop_assert_eq!(next.status.is_finished(), next.finished_at.is_some());
            prop_assert_eq!(next.status == TaskStatus::Failed, next.error.is_some());
            task = next;
        }
    }
}

fn forward(status: TaskStatus) -> u8 {
    match status {
        TaskStatus::Enqueued => 0,
        TaskStatus::Processing => 1,
        _ => 2,
    }
}
