//! SQLite's query plans prove that listings do not read all tasks.

use std::cell::RefCell;
use std::collections::BTreeSet;

use miroir_domain::TaskUid;
use miroir_domain::task::{TaskDates, TaskKind, TaskQuery, TaskStatus};
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};

use super::{at, movies};
use crate::migration::MIGRATIONS;
use crate::task::list;

thread_local! {
    static STATEMENTS: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that rusqlite calls")]
fn note(event: TraceEvent<'_>) {
    if let TraceEvent::Stmt(_, sql) = event
        && sql.contains("tasks")
        && !sql.starts_with("--")
    {
        STATEMENTS.with_borrow_mut(|all| all.insert(sql.to_owned()));
    }
}

/// Creates a store with tasks of every status and type.
fn filled() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    for sql in MIGRATIONS {
        connection.execute_batch(sql).unwrap();
    }
    let fill = "
        WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
        INSERT INTO tasks (miroir_id, created_at, status, node_tasks, node_errors, index_uid, task_type, started_at,
                           finished_at, canceled_by, version)
        SELECT i, i, CASE i % 5 WHEN 0 THEN 'enqueued' WHEN 1 THEN 'processing' WHEN 2 THEN 'succeeded'
                                WHEN 3 THEN 'failed' ELSE 'canceled' END,
               '{}', '{}', CASE i % 3 WHEN 0 THEN 'movies' WHEN 1 THEN 'books' END,
               CASE i % 2 WHEN 0 THEN 'settingsUpdate' ELSE 'indexCreation' END, i, i, i % 7, 1
        FROM n";
    connection.execute_batch(fill).unwrap();
    connection
}

fn queries() -> Vec<TaskQuery> {
    let any = TaskQuery::default();
    let dates = TaskDates { after: Some(at(100)), before: Some(at(900)) };
    let statuses = Some(BTreeSet::from([TaskStatus::Failed, TaskStatus::Enqueued]));
    let kinds = Some(BTreeSet::from([TaskKind::SettingsUpdate]));
    let index_uids = Some(BTreeSet::from([movies()]));
    let canceled_by = Some(BTreeSet::from([TaskUid(3), TaskUid(5)]));
    let uids = Some(BTreeSet::from([TaskUid(3), TaskUid(500)]));
    let single = [
        any.clone(),
        TaskQuery { uids: uids.clone(), ..any.clone() },
        TaskQuery { batch_uids: uids, ..any.clone() },
        TaskQuery { statuses: statuses.clone(), ..any.clone() },
        TaskQuery { kinds: kinds.clone(), ..any.clone() },
        TaskQuery { index_uids: index_uids.clone(), ..any.clone() },
        TaskQuery { canceled_by: canceled_by.clone(), ..any.clone() },
        TaskQuery { enqueued: dates, ..any.clone() },
        TaskQuery { started: dates, ..any.clone() },
        TaskQuery { finished: dates, ..any.clone() },
    ];
    let mut all = Vec::new();
    for one in single {
        all.push(one.clone());
        all.push(TaskQuery { reverse: true, from: Some(TaskUid(400)), ..one.clone() });
        all.push(TaskQuery { statuses: statuses.clone(), kinds: kinds.clone(), ..one.clone() });
        all.push(TaskQuery { kinds: kinds.clone(), started: dates, ..one.clone() });
        all.push(TaskQuery { index_uids: index_uids.clone(), canceled_by: canceled_by.clone(), ..one });
    }
    all
}

#[test]
fn listing_does_not_scan_the_tasks() {
    let connection = filled();
    for analyzed in [false, true] {
        if analyzed {
            connection.execute_batch("ANALYZE").unwrap();
        }
        connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(note));
        for query in queries() {
            list::page(&connection, &query).unwrap();
        }
        list::unfinished(&connection, Some(TaskUid(10)), 20).unwrap();
        connection.trace_v2(TraceEventCodes::empty(), None);
    }
    let statements = STATEMENTS.take();
    assert!(statements.len() >= 20, "the trace saw {} statements", statements.len());
    for sql in statements {
        let plan = plan(&connection, &sql);
        assert!(!plan.contains("SCAN tasks"), "{sql}\n{plan}");
        assert!(plan.contains("SEARCH tasks USING"), "{sql}\n{plan}");
    }
}

#[test]
fn pruning_does_not_scan_the_tasks() {
    let connection = filled();
    let plan = plan(&connection, include_str!("../sql/task_prune.sql"));
    assert!(!plan.contains("SCAN tasks") && plan.contains("tasks_by_finished_at"), "{plan}");
}

/// Statements that read a whole table or index, and the reasons.
const WHOLE: [&str; 4] = [
    // There are as few nodes as in the configuration, and their names order them.
    "node_list.sql",
    // There are as few terms as roles.
    "lease_list.sql",
    // A store of one instance has at most `max_sessions` sessions: see docs/store.md.
    "session_evict.sql",
    // The index holds unfinished tasks only.
    "task_unfinished_count.sql",
];

/// Tables of one row.
const SMALL: [&str; 4] = ["cluster", "job_totals", "task_sequence", "probe"];

/// Every statement of the other tables finds its rows by an index.
#[test]
fn statement_of_a_feature_does_not_scan_its_table() {
    let connection = filled();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sql");
    let tables: BTreeSet<String> = connection
        .prepare(include_str!("../sql/table_list.sql"))
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let (mut looked_at, mut scanning) = (0, Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if WHOLE.contains(&name.as_str()) || name == "table_list.sql" {
            continue;
        }
        // The statements of task listings are built from parts, which the test above covers.
        let sql = std::fs::read_to_string(&path).unwrap();
        if sql.contains('{') {
            continue;
        }
        let plan = plan(&connection, &sql);
        looked_at += 1;
        let bad = plan.lines().any(|line| {
            // A scan of a whole index is no better than one of the table. Other scans read a list of
            // arguments or the one row of a subquery. Sorting ties alone does not read all rows.
            let scanned = line.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
            let table = scanned.filter(|name| tables.contains(*name) && !SMALL.contains(name));
            table.is_some() || line.contains("USE TEMP B-TREE FOR ORDER BY")
        });
        if bad {
            scanning.push(format!("{name}\n{plan}"));
        }
    }
    assert!(scanning.is_empty(), "{}", scanning.join("\n\n"));
    assert!(looked_at > 80, "only {looked_at} statements were found");
}

fn plan(connection: &Connection, sql: &str) -> String {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let mut rows = explain.raw_query();
    let mut lines = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        lines.push(row.get::<_, String>("detail").unwrap());
    }
    lines.join("\n")
}
