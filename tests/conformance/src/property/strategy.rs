//! Random values of the domain.

use miroir_domain::error::ResponseError;
use miroir_domain::index::IndexEntry;
use miroir_domain::task::{
    NewTask, NodeMiss, NodeTask, NodeTaskState, Task, TaskDates, TaskKind, TaskQuery, TaskStatus,
};
use miroir_domain::{IndexUid, NodeId, PhysicalUid, Shard, ShardSet, TaskUid, Timestamp};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::sample::primary_key;

/// Generates one of a few indexes, so that tasks share them.
pub fn index_uid() -> impl Strategy<Value = IndexUid> {
    prop_oneof![9 => "[ab]", 1 => "[A-Za-z0-9_-]{1,40}"].prop_map(|name| name.parse().unwrap())
}

/// Generates one of a few physical uids.
pub fn physical_uid() -> impl Strategy<Value = PhysicalUid> {
    (index_uid(), option::of(0..2_u64)).prop_map(|(name, number)| match number {
        Some(number) => PhysicalUid::further(&name, number).unwrap(),
        None => PhysicalUid::of_name(&name),
    })
}

/// Generates one of a few nodes.
pub fn node_id() -> impl Strategy<Value = NodeId> {
    prop_oneof![9 => "n-[0-3]", 1 => "[A-Za-z0-9_-]{1,64}"].prop_map(|name| name.parse().unwrap())
}

/// Generates times that mostly collide, and rarely any other time.
pub fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![9 => 0..20_i64, 1 => any::<i64>()].prop_map(Timestamp::from_millis)
}

/// Generates uids that mostly belong to tasks.
pub fn task_uid() -> impl Strategy<Value = TaskUid> {
    prop_oneof![19 => 0..40_u32, 1 => any::<u32>()].prop_map(TaskUid)
}

/// Generates versions from both ends of the range.
pub fn version() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..4_u64, 1 => any::<u64>(), 1 => Just(u64::MAX)]
}

fn kind() -> impl Strategy<Value = TaskKind> {
    prop_oneof![4 => 0..3_usize, 1 => 0..TaskKind::ALL.len()].prop_map(|number| TaskKind::ALL[number])
}

fn status() -> impl Strategy<Value = TaskStatus> {
    proptest::sample::select(TaskStatus::ALL.to_vec())
}

/// Generates text of every kind.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![2 => "[a-z]{0,8}", 1 => any::<String>(), 1 => "[\u{0}:{}'\"\\\\]{0,6}"]
}

/// Generates any JSON, to a modest depth.
pub fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        proptest::num::f64::NORMAL.prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            btree_map(text(), inner, 0..5).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn details() -> impl Strategy<Value = Option<Map<String, Value>>> {
    option::of(btree_map(text(), json(), 0..4).prop_map(|map| map.into_iter().collect()))
}

fn error() -> impl Strategy<Value = ResponseError> {
    (text(), text(), text(), text()).prop_map(|(message, code, kind, link)| ResponseError {
        message,
        code,
        kind,
        link,
    })
}

fn shards() -> impl Strategy<Value = ShardSet> {
    vec(prop_oneof![0..8_u32, any::<u32>()], 0..5).prop_map(|all| all.into_iter().map(Shard).collect())
}

fn node_task() -> impl Strategy<Value = NodeTask> {
    use NodeTaskState::{Canceled, Enqueued, Failed, Pending, Processing, Succeeded};
    let state = proptest::sample::select(vec![Pending, Enqueued, Processing, Succeeded, Failed, Canceled]);
    let times = (option::of(time()), option::of(time()), option::of(version()), any::<bool>());
    (option::of(any::<u32>()), state, option::of(error()), shards(), details(), times).prop_map(
        |(uid, status, error, shards, details, (started_at, finished_at, settings_version, acknowledged))| {
            NodeTask {
                uid,
                status,
                error,
                shards,
                details,
                started_at,
                finished_at,
                settings_version,
                acknowledged,
            }
        },
    )
}

fn node_miss() -> impl Strategy<Value = NodeMiss> {
    (error(), shards()).prop_map(|(error, shards)| NodeMiss { error, shards })
}

/// Generates tasks that have no uid yet.
pub fn new_task() -> impl Strategy<Value = NewTask> {
    let nodes = btree_map(node_id(), node_task(), 0..3);
    let failure = prop_oneof![4 => Just(None), 1 => error().prop_map(Some)];
    let index = (option::of(index_uid()), option::of(physical_uid()));
    (kind(), index, nodes, details(), option::of(text()), failure).prop_map(
        |(kind, (index_uid, physical_uid), node_tasks, details, custom_metadata, failure)| NewTask {
            kind,
            index_uid,
            physical_uid,
            node_tasks,
            details,
            custom_metadata,
            failure,
            changes: None,
        },
    )
}

/// Generates rows, also those that the domain would not make.
pub fn task() -> impl Strategy<Value = Task> {
    let times = (time(), option::of(time()), option::of(time()));
    let rest =
        (status(), btree_map(node_id(), node_miss(), 0..3), option::of(error()), option::of(task_uid()));
    (new_task(), times, rest, task_uid(), version()).prop_map(
        |(
            new,
            (created_at, started_at, finished_at),
            (status, node_errors, error, canceled_by),
            uid,
            version,
        )| {
            Task {
                uid,
                version,
                created_at,
                status,
                node_errors,
                error,
                started_at,
                finished_at,
                canceled_by,
                ..new.into_task(uid, created_at)
            }
        },
    )
}

/// Generates registry entries.
pub fn index_entry() -> impl Strategy<Value = IndexEntry> {
    let key = option::of("[a-z]{1,8}(\\.[a-z]{1,4})?".prop_map(|name| primary_key(&name)));
    ((index_uid(), physical_uid()), key, any::<u32>(), version(), time(), time(), version()).prop_map(
        |(
            (uid, physical_uid),
            primary_key,
            shard_count,
            settings_version,
            created_at,
            updated_at,
            version,
        )| IndexEntry {
            uid,
            physical_uid,
            primary_key,
            shard_count,
            settings_version,
            created_at,
            updated_at,
            version,
        },
    )
}

/// Sets a filter one time in four, so that most queries have a few filters and find something.
fn seldom<T: std::fmt::Debug + Clone>(filter: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    option::weighted(0.25, filter)
}

fn dates() -> impl Strategy<Value = TaskDates> {
    (option::weighted(0.15, time()), option::weighted(0.15, time()))
        .prop_map(|(after, before)| TaskDates { after, before })
}

/// Generates queries.
pub fn query() -> impl Strategy<Value = TaskQuery> {
    let sets = (
        option::weighted(0.1, btree_set(task_uid(), 0..20)),
        option::weighted(0.1, btree_set(task_uid(), 0..20)),
        seldom(btree_set(status(), 0..4)),
        seldom(btree_set(kind(), 0..4)),
        seldom(btree_set(index_uid(), 0..4)),
        option::weighted(0.15, btree_set(task_uid(), 0..20)),
    );
    let limit = prop_oneof![8 => 0..8_u32, 1 => Just(u32::MAX)];
    (sets, (dates(), dates(), dates()), (option::weighted(0.3, task_uid()), any::<bool>(), limit)).prop_map(
        |(sets, (enqueued, started, finished), (from, reverse, limit))| {
            let (uids, batch_uids, statuses, kinds, index_uids, canceled_by) = sets;
            TaskQuery {
                uids,
                batch_uids,
                statuses,
                kinds,
                index_uids,
                canceled_by,
                enqueued,
                started,
                finished,
                from,
                reverse,
                limit,
            }
        },
    )
}
