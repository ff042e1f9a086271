//! A process that changes a SQLite store is killed again and again. Afterwards every change that it had
//! acknowledged must be there, exactly once, and the store must be consistent.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use miroir_domain::TaskUid;
use miroir_domain::task::{Task, TaskQuery, TaskStatus};
use miroir_ports::outbound::{StoreStatus as _, TaskTable as _};
use miroir_sqlite::{SqliteOptions, SqliteStore};

/// The number of kills in a default run. `MIROIR_CRASH_ROUNDS` sets it.
const ROUNDS: u64 = 50;

/// The changes that killed processes had acknowledged.
#[derive(Default)]
struct Acknowledged {
    labels: BTreeMap<TaskUid, String>,
    versions: BTreeMap<TaskUid, u64>,
}

impl Acknowledged {
    fn record(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let uid = TaskUid(words[1].parse().unwrap());
        match words[0] {
            "created" => {
                let before = self.labels.insert(uid, words[2].to_owned());
                assert_eq!(before, None, "uid {uid} was given twice");
                self.versions.insert(uid, 1);
            }
            "put" => {
                self.versions.insert(uid, words[2].parse().unwrap());
            }
            other => panic!("the writer said `{other}`"),
        }
    }
}

/// Starts a writer on the store at `path`.
fn start(path: &Path, run: &str) -> Child {
    let mut writer = Command::new(env!("CARGO_BIN_EXE_crash_writer"));
    writer.arg(path).arg(run).stdout(Stdio::piped()).spawn().unwrap()
}

/// Lets a writer work on the store at `path`, and kills it once it has printed `lines` lines.
fn run_and_kill(path: &Path, round: u64, lines: u64, acknowledged: &mut Acknowledged) {
    let mut writer = start(path, &format!("round{round}"));
    let mut read_lines = 0;
    for line in BufReader::new(writer.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        acknowledged.record(&line);
        read_lines += 1;
        if read_lines == lines {
            // SIGKILL. Lines that are still in the pipe were acknowledged before, so they are read.
            writer.kill().unwrap();
        }
    }
    let status = writer.wait().unwrap();
    assert_eq!(status.code(), None, "the writer ended by itself after {read_lines} lines");
}

async fn assert_whole(path: &Path, acknowledged: &Acknowledged) {
    let store = SqliteStore::open(SqliteOptions::new(path)).await.unwrap();
    let everything = TaskQuery { limit: u32::MAX, ..TaskQuery::default() };
    let page = store.task_list(&everything).await.unwrap();
    assert_eq!(page.total, page.tasks.len() as u64);
    let tasks: BTreeMap<TaskUid, &Task> = page.tasks.iter().map(|task| (task.uid, task)).collect();
    for (uid, label) in &acknowledged.labels {
        let task = tasks.get(uid).unwrap_or_else(|| panic!("task {uid} ({label}) is lost"));
        assert_eq!(task.custom_metadata.as_ref(), Some(label));
        assert!(task.version >= acknowledged.versions[uid], "a change of task {uid} is lost");
    }
    let mut by_label = BTreeMap::new();
    for task in &page.tasks {
        let twin = by_label.insert(task.custom_metadata.as_deref(), task.uid);
        assert_eq!(twin, None, "{:?} is there twice", task.custom_metadata);
    }
    for status in TaskStatus::ALL {
        let query = TaskQuery { statuses: Some([status].into()), limit: 0, ..TaskQuery::default() };
        let rows = page.tasks.iter().filter(|task| task.status == status).count();
        assert_eq!(store.task_list(&query).await.unwrap().total, rows as u64, "{status:?}");
    }
    store.store_ping().await.unwrap();
    store.store_close().await.unwrap();
    let verdict: String = rusqlite::Connection::open(path)
        .unwrap()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
}

/// STORE-1, STORE-2, TASK-1.
#[tokio::test]
async fn killed_writers_keep_acknowledged_changes() {
    let rounds = std::env::var("MIROIR_CRASH_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("miroir.db");
    let mut acknowledged = Acknowledged::default();
    for round in 0..rounds {
        // The moment of a kill is random by itself; this varies the number of changes that could be lost.
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u64(round);
        let lines = 1 + hasher.finish() % 400;
        println!("round {round}: killing after {lines} lines");
        run_and_kill(&path, round, lines, &mut acknowledged);
        assert_whole(&path, &acknowledged).await;
    }
    println!("{} tasks were acknowledged in {rounds} rounds, and none was lost", acknowledged.labels.len());
}

/// STORE-1, TASK-1: two processes open the same new file at once and both work on it. Only one instance
/// should, but a rolling restart can overlap for a moment, and must do no harm.
#[tokio::test]
async fn two_processes_share_a_new_store_without_harm() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("miroir.db");
    let mut acknowledged = Acknowledged::default();
    let mut writers = [start(&path, "one"), start(&path, "two")];
    let mut said = writers.each_mut().map(|writer| BufReader::new(writer.stdout.take().unwrap()).lines());
    for lines in &mut said {
        for line in lines.take(20) {
            acknowledged.record(&line.unwrap());
        }
    }
    for writer in &mut writers {
        writer.kill().unwrap();
    }
    for (lines, writer) in said.into_iter().zip(&mut writers) {
        lines.for_each(|line| acknowledged.record(&line.unwrap()));
        assert_eq!(writer.wait().unwrap().code(), None, "a writer ended by itself");
    }
    assert_whole(&path, &acknowledged).await;
}
