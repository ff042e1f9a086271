//! Deliveries: their order, retries, and the operations on sinks.

use std::time::Duration;

use miroir_domain::change::{Rewind, SinkState};
use miroir_domain::error::ErrorCode;
use miroir_fault::Fault as StoreFault;
use miroir_ports::inbound::{ApiError, SinkApi as _};
use miroir_ports::outbound::SinkError;
use serde_json::json;
use tokio::time::Instant;

use super::{caught_up, hooked, trio, view};
use crate::support::{Bench, Layout, Reaction, Receiver, away, delivery, films, rules, uid};

/// Sends `count` writes of one film each to `films`.
async fn write(bench: &Bench, count: u32) {
    for id in 0..count {
        bench.written("films", films(id, id + 1)).await;
    }
}

fn ids(range: std::ops::RangeInclusive<u64>) -> Vec<String> {
    range.map(|seq| format!("films:1:{seq}")).collect()
}

fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> ErrorCode {
    match result {
        Err(ApiError::Refused { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn batch_is_delivered_when_it_is_full_or_its_delay_is_over() {
    let receiver = Receiver::default();
    let mut slow = delivery(&receiver);
    slow.batch_delay = Duration::from_mins(1);
    slow.batch_events = 3;
    let bench = Bench::running(trio().with_sink(rules("hook"), slow));
    write(&bench, 2).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(receiver.attempts(), 0, "two events wait for a third");
    write(&bench, 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((receiver.attempts(), receiver.ids()), (1, ids(1..=3)));
    write(&bench, 1).await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(
        (receiver.attempts(), receiver.ids()),
        (2, ids(1..=4)),
        "a single event is delivered after the delay"
    );
}

#[tokio::test(start_paused = true)]
async fn delivery_repeats_unconfirmed_events_in_order_under_the_same_ids() {
    let (layout, receiver) = hooked();
    let bench = Bench::running(layout);
    receiver.then(Reaction::Refuse(away()));
    receiver.then(Reaction::LoseAnswer);
    receiver.then(Reaction::Refuse(away()));
    write(&bench, 3).await;
    let view = caught_up(&bench, "hook").await;
    let taken = receiver.ids();
    let mut seen = Vec::new();
    for id in &taken {
        if !seen.contains(id) {
            seen.push(id.clone());
        }
    }
    assert_eq!(seen, ids(1..=3), "{taken:?}");
    assert!(taken.len() > 3, "events whose confirmation was lost are repeated: {taken:?}");
    assert_eq!((view.failures, view.last_error), (3, None));
}

#[tokio::test(start_paused = true)]
async fn delivery_backs_off_while_the_receiver_is_away() {
    let (layout, receiver) = hooked();
    let bench = Bench::running(layout);
    receiver.always(Some(Reaction::Refuse(away())));
    write(&bench, 1).await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    let early = receiver.attempts();
    assert!((4..=7).contains(&early), "after 1, 2, 4 and 8 s, or half of each: {early}");
    tokio::time::sleep(Duration::from_mins(10)).await;
    let late = receiver.attempts() - early;
    assert!((10..=25).contains(&late), "every half to whole minute: {late}");
    assert_eq!(view(&bench, "hook").await.last_error.as_deref(), Some("connection refused"));
}

#[tokio::test(start_paused = true)]
async fn delivery_waits_as_long_as_the_receiver_demands() {
    let (layout, receiver) = hooked();
    let bench = Bench::running(layout);
    let retry_after = Some(Duration::from_secs(1_000));
    receiver.then(Reaction::Refuse(SinkError::Unavailable {
        reason: "429".to_owned(),
        retry_after,
        source: None,
    }));
    write(&bench, 1).await;
    tokio::time::sleep(Duration::from_secs(990)).await;
    assert_eq!(receiver.attempts(), 1);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(receiver.ids(), ids(1..=1));
}

#[tokio::test(start_paused = true)]
async fn delivery_backs_off_if_the_receiver_demands_a_shorter_wait() {
    let (layout, receiver) = hooked();
    let bench = Bench::running(layout);
    let retry_after = Some(Duration::from_millis(1));
    let refusal = SinkError::Unavailable { reason: "429".to_owned(), retry_after, source: None };
    receiver.then(Reaction::Refuse(refusal));
    write(&bench, 1).await;
    bench.until("it is refused", || receiver.attempts() > 0).await;
    tokio::time::sleep(Duration::from_millis(450)).await;
    assert_eq!(receiver.attempts(), 1);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(receiver.ids(), ids(1..=1));
}

#[tokio::test(start_paused = true)]
async fn sink_is_disabled_when_its_receiver_is_gone_until_it_is_resumed() {
    let (layout, receiver) = hooked();
    let bench = Bench::running(layout);
    receiver.then(Reaction::Refuse(SinkError::Gone { reason: "answered 410".to_owned() }));
    write(&bench, 1).await;
    tokio::time::sleep(Duration::from_hours(24)).await;
    let disabled = view(&bench, "hook").await;
    assert_eq!((receiver.attempts(), disabled.state, disabled.lag), (1, SinkState::Disabled, 1));
    assert_eq!(disabled.reason.as_deref(), Some("answered 410"));
    let bench = bench.restarted();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(receiver.attempts(), 1, "another process reads the state");
    let resumed = bench.sinks.sink_resume("hook").await.unwrap();
    assert_eq!((resumed.state, resumed.reason), (SinkState::Active, None));
    caught_up(&bench, "hook").await;
    assert_eq!(receiver.ids(), ids(1..=1));
}

#[tokio::test(start_paused = true)]
async fn sink_is_paused_resumed_and_rewound() {
    let (layout, receiver) = hooked();
    let bench = Bench::running(layout);
    write(&bench, 2).await;
    caught_up(&bench, "hook").await;
    assert_eq!(bench.sinks.sink_pause("hook").await.unwrap().state, SinkState::Paused);
    write(&bench, 2).await;
    tokio::time::sleep(Duration::from_mins(5)).await;
    let paused = view(&bench, "hook").await;
    assert_eq!((receiver.ids(), paused.lag), (ids(1..=2), 2));
    bench.sinks.sink_resume("hook").await.unwrap();
    caught_up(&bench, "hook").await;
    assert_eq!(receiver.ids(), ids(1..=4));
    let rewind = Rewind { index: uid("films"), since: 1 };
    let rewound = bench.sinks.sink_rewind("hook", rewind).await.unwrap();
    assert_eq!((rewound.indexes[0].confirmed, rewound.lag), (Some(1), 3));
    caught_up(&bench, "hook").await;
    assert_eq!(receiver.ids(), [ids(1..=4), ids(2..=4)].concat());
    assert_eq!(view(&bench, "hook").await.dropped, 0);
}

#[tokio::test(start_paused = true)]
async fn resume_ends_the_wait_for_a_retry() {
    let (layout, receiver) = hooked();
    let bench = Bench::running(layout);
    let retry_after = Some(Duration::from_hours(1));
    receiver.then(Reaction::Refuse(SinkError::Unavailable {
        reason: "503".to_owned(),
        retry_after,
        source: None,
    }));
    write(&bench, 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    bench.sinks.sink_resume("hook").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(receiver.ids(), ids(1..=1));
}

#[tokio::test(start_paused = true)]
async fn rewind_refuses_positions_without_events() {
    let (layout, receiver) = hooked();
    let bench = Bench::running(layout.with_sink(rules("feed"), None));
    write(&bench, 9).await;
    caught_up(&bench, "hook").await;
    let to = |since| Rewind { index: uid("films"), since };
    // Five confirmed events are kept.
    assert_eq!(code(bench.sinks.sink_rewind("hook", to(3)).await), ErrorCode::MiroirChangesTrimmed);
    assert_eq!(code(bench.sinks.sink_rewind("hook", to(10)).await), ErrorCode::MiroirInvalidChangePosition);
    let unknown = Rewind { index: uid("none"), since: 1 };
    assert_eq!(code(bench.sinks.sink_rewind("hook", unknown).await), ErrorCode::MiroirInvalidChangePosition);
    assert_eq!(code(bench.sinks.sink_rewind("nobody", to(4)).await), ErrorCode::MiroirSinkNotFound);
    assert_eq!(code(bench.sinks.sink_rewind("feed", to(4)).await), ErrorCode::MiroirSinkConflict);
    assert_eq!(code(bench.sinks.sink_pause("feed").await), ErrorCode::MiroirSinkConflict);
    assert_eq!(code(bench.sinks.sink_resume("").await), ErrorCode::MiroirSinkNotFound);
    assert_eq!(receiver.ids(), ids(1..=9));
    bench.sinks.sink_rewind("hook", to(4)).await.unwrap();
    caught_up(&bench, "hook").await;
    assert_eq!(receiver.ids()[9..], ids(5..=9));
}

/// Simulates a process that dies between the delivery and the change of the cursor, and failures of the store
/// there.
#[tokio::test(start_paused = true)]
async fn no_event_is_lost_if_the_process_dies_before_the_cursor_moves() {
    for method in ["change_cursor_advance", "change_acknowledge"] {
        for fault in [StoreFault::NotApplied, StoreFault::LostBefore, StoreFault::LostAfter] {
            let (layout, receiver) = hooked();
            let bench = Bench::running(layout);
            bench.faults.script.then(method, [fault]);
            write(&bench, 1).await;
            bench.until("it is delivered", || receiver.attempts() > 0).await;
            let bench = bench.restarted();
            write(&bench, 1).await;
            caught_up(&bench, "hook").await;
            let mut taken = receiver.ids();
            taken.dedup();
            assert_eq!(taken, ids(1..=2), "{method} {fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn sink_that_hangs_does_not_delay_writes_or_other_sinks() {
    let (hanging, other) = (Receiver::default(), Receiver::default());
    hanging.always(Some(Reaction::Hang));
    let layout =
        trio().with_sink(rules("hanging"), delivery(&hanging)).with_sink(rules("other"), delivery(&other));
    let bench = Bench::running(layout);
    let began = Instant::now();
    write(&bench, 5).await;
    caught_up(&bench, "other").await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(other.ids(), ids(1..=5));
    assert_eq!(view(&bench, "hanging").await.lag, 5);
}

#[tokio::test(start_paused = true)]
async fn pause_waits_for_the_delivery_in_progress() {
    let (layout, receiver) = hooked();
    let bench = Bench::running(layout);
    receiver.then(Reaction::Slow(Duration::from_secs(5)));
    write(&bench, 1).await;
    bench.until("it is on its way", || receiver.attempts() > 0).await;
    let paused = bench.sinks.sink_pause("hook").await.unwrap();
    assert_eq!((paused.lag, receiver.ids()), (0, ids(1..=1)), "the confirmation is recorded");
}

#[tokio::test(start_paused = true)]
async fn delivery_reports_events_that_were_dropped() {
    let receiver = Receiver::default();
    receiver.always(Some(Reaction::Refuse(away())));
    let layout = Layout { outbox_bytes: 1_000, ..trio() };
    let bench = Bench::running(layout.with_sink(rules("hook"), delivery(&receiver)));
    write(&bench, 20).await;
    let behind = view(&bench, "hook").await;
    assert!(behind.backlog_bytes <= 1_000, "{behind:?}");
    assert_eq!(behind.dropped + behind.backlog_events, 20);
    assert!(behind.dropped > 10, "{behind:?}");
    receiver.always(None);
    caught_up(&bench, "hook").await;
    let taken = receiver.taken();
    let lost = behind.dropped;
    assert_eq!(taken[0]["type"], "io.miroir.changes.lost");
    assert_eq!(taken[0]["data"], json!({ "from": 1, "to": lost }));
    assert_eq!(receiver.ids()[1..], ids(lost + 1..=20));
    // Confirmed events do not count as lost when they are dropped.
    for _ in 0..8 {
        write(&bench, 1).await;
        assert_eq!(caught_up(&bench, "hook").await.dropped, lost);
    }
}

#[tokio::test(start_paused = true)]
async fn busy_index_does_not_delay_other_indexes() {
    let (layout, receiver) = hooked();
    let bench = Bench::running(layout);
    bench.sinks.sink_pause("hook").await.unwrap();
    write(&bench, 30).await;
    bench.written("zebras", films(0, 1)).await;
    bench.sinks.sink_resume("hook").await.unwrap();
    caught_up(&bench, "hook").await;
    let position = receiver.ids().iter().position(|id| id == "zebras:1:1").unwrap();
    assert_eq!(position, 10, "after the first batch of the busy index");
}
