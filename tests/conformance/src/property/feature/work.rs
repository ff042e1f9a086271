//! Jobs, cursors and the outbox.

use miroir_domain::change::{SinkRow, SinkState};
use miroir_domain::job::{JobEnd, NewJob};
use miroir_domain::{IndexUid, Timestamp};
use miroir_ports::outbound::{Consequences, NewChange, TaskStore};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

use super::{SPAN, STEP, body, compare, index, later, low, name};
use crate::property::{config, run};
use crate::sample::any_task;

/// One call of a port, or a restart.
#[derive(Debug, Clone)]
enum Call {
    JobEnqueue(String, u32),
    JobClaim(String, u64),
    JobBeat(String, u64, u64, Option<Value>),
    JobFinish(String, u64, JobEnd),
    JobCancel(String),
    JobDelete(String),
    JobList(Option<String>, u32),
    CursorAdvance(String, IndexUid, u64),
    CursorRewind(String, IndexUid, u64),
    CursorList(String),
    Append(bool, Vec<(String, IndexUid, Value)>, u64),
    Peek(String, IndexUid, u64, u32),
    Acknowledge(String, IndexUid, u64, u64),
    Positions(String),
    SinkPut(SinkRow),
    Reopen,
}

fn call() -> impl Strategy<Value = Call> {
    let end = prop_oneof![
        Just(JobEnd::Succeeded),
        Just(JobEnd::Failed("f".to_owned())),
        Just(JobEnd::Retry("r".to_owned()))
    ];
    let events = vec((name(), index(), body()), 0..4);
    prop_oneof![
        1 => Just(Call::Reopen),
        4 => (name(), 0..4_u32).prop_map(|(id, attempts)| Call::JobEnqueue(id, attempts)),
        5 => (name(), SPAN).prop_map(|(by, span)| Call::JobClaim(by, span)),
        2 => (name(), low(), SPAN, proptest::option::of(body())).prop_map(|(id, t, s, p)| Call::JobBeat(id, t, s, p)),
        3 => (name(), low(), end).prop_map(|(id, token, end)| Call::JobFinish(id, token, end)),
        1 => name().prop_map(Call::JobCancel),
        1 => name().prop_map(Call::JobDelete),
        1 => (proptest::option::of(name()), 0..4_u32).prop_map(|(after, limit)| Call::JobList(after, limit)),
        4 => (any::<bool>(), events, 0..40_u64).prop_map(|(ends, events, budget)| Call::Append(ends, events, budget)),
        2 => (name(), index(), 0..6_u64, 0..4_u32).prop_map(|(s, i, after, limit)| Call::Peek(s, i, after, limit)),
        2 => (name(), index(), 0..6_u64, 0..4_u64).prop_map(|(s, i, seq, keep)| Call::Acknowledge(s, i, seq, keep)),
        1 => name().prop_map(Call::Positions),
        1 => sink().prop_map(Call::SinkPut),
        1 => (name(), index(), low()).prop_map(|(s, i, n)| Call::CursorRewind(s, i, n)),
        2 => (name(), index(), prop_oneof![low(), Just(u64::MAX)]).prop_map(|(s, i, n)| Call::CursorAdvance(s, i, n)),
        1 => name().prop_map(Call::CursorList),
    ]
}

fn sink() -> impl Strategy<Value = SinkRow> {
    (name(), proptest::sample::select(&SinkState::ALL), proptest::option::of(name()), STEP).prop_map(
        |(sink_name, state, reason, at)| SinkRow {
            sink_name,
            state,
            reason,
            changed_at: Timestamp::from_millis(i64::try_from(at).unwrap_or_default()),
        },
    )
}

/// Calls `store` at `now` and returns the result as text, because values and errors alike must agree.
async fn result(store: &Arc<dyn TaskStore>, call: Call, now: Timestamp) -> String {
    match call {
        Call::JobEnqueue(id, max_attempts) => {
            let job = NewJob { id, kind: "k".to_owned(), params: json!({}), max_attempts };
            format!("{:?} {:?}", store.job_enqueue(&job).await, store.job_depth().await)
        }
        Call::JobClaim(by, span) => {
            format!("{:?} {:?}", store.job_claim(&by, later(now, span), now).await, store.job_depth().await)
        }
        Call::JobBeat(id, token, span, progress) => {
            let beat = store.job_heartbeat(&id, token, progress, later(now, span), now).await;
            format!("{beat:?} {:?}", store.job_get(&id).await)
        }
        Call::JobFinish(id, token, end) => {
            format!("{:?} {:?}", store.job_finish(&id, token, end, now).await, store.job_get(&id).await)
        }
        Call::JobCancel(id) => format!("{:?} {:?}", store.job_cancel(&id).await, store.job_depth().await),
        Call::JobDelete(id) => format!("{:?}", store.job_delete(&id).await),
        Call::JobList(after, limit) => format!("{:?}", store.job_list(after, limit).await),
        Call::Append(ends_a_task, events, budget) => {
            let changes = events.into_iter().map(|(sink_name, index_uid, body)| NewChange {
                sink_name,
                index_uid,
                body,
            });
            if !ends_a_task {
                return format!("{:?}", store.change_append(changes.collect(), budget).await);
            }
            let task = store.task_create(any_task(), now).await.unwrap();
            let changes = changes.collect();
            let consequences = Consequences { changes, budget_bytes: budget, ..Consequences::default() };
            format!("{:?}", store.task_put_with(task, consequences).await)
        }
        Call::Peek(sink, index, after, limit) => {
            let page = store.change_peek(&sink, &index, after, limit).await;
            format!("{page:?} {:?}", store.change_backlog(&sink).await)
        }
        Call::Acknowledge(sink, index, seq, keep) => {
            let gone = store.change_acknowledge(&sink, &index, seq, keep).await;
            format!("{gone:?} {:?}", store.change_backlog(&sink).await)
        }
        Call::Positions(sink) => format!("{:?}", store.change_positions(&sink).await),
        Call::SinkPut(row) => {
            let sink = row.sink_name.clone();
            format!("{:?} {:?}", store.change_sink_put(row).await, store.change_sink_get(&sink).await)
        }
        Call::CursorRewind(sink, index, seq) => {
            let rewound = store.change_cursor_rewind(&sink, &index, seq, now).await;
            format!("{rewound:?} {:?}", store.change_cursor_get(&sink, &index).await)
        }
        Call::CursorAdvance(sink, index, seq) => {
            let advance = store.change_cursor_advance(&sink, &index, seq, now).await;
            format!("{advance:?} {:?}", store.change_cursor_get(&sink, &index).await)
        }
        Call::CursorList(sink) => format!("{:?}", store.change_cursor_list(&sink).await),
        Call::Reopen => String::new(),
    }
}

proptest! {
    #![proptest_config(config(32))]

    /// Checks every clause of jobs, cursors and the outbox that one caller can observe.
    #[test]
    fn work_has_the_same_results(calls in vec((call(), STEP), 1..80)) {
        compare!(calls);
    }
}
