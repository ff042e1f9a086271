//! The command line, run as a program.

mod program;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use program::{miroir, run, text};
use serde_json::Value;

/// A running `miroir serve`. It is killed when dropped.
struct Serving {
    child: Child,
    log: BufReader<ChildStderr>,
    address: String,
    /// The log lines before it listened.
    before: Vec<String>,
    folder: tempfile::TempDir,
}

impl Serving {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = miroir(&folder, &["serve", "--address", "127.0.0.1:0"]);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut before = Vec::new();
        let address = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "ended before it listened: {before:#?}");
            let entry: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
            if entry["message"] == "listening" {
                break entry["address"].as_str().unwrap().to_owned();
            }
            before.push(line);
        };
        Self { child, log, address, before, folder }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Waits for the end. Returns the exit code and the rest of the log.
    fn ended(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }

    /// Reads the log up to a line that contains `part`.
    fn log_until(&mut self, part: &str) {
        let mut line = String::new();
        while !line.contains(part) {
            line.clear();
            assert!(self.log.read_line(&mut line).unwrap() > 0, "the log ended without `{part}`");
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // The process still runs only if the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn version_prints_the_version() {
    let output = run(&["version"], None);
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), format!("miroir {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn unknown_commands_are_refused_with_the_usage() {
    let output = run(&["sevre"], None);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("'serve'"), "{}", text(&output.stderr));
}

#[test]
fn config_check_prints_everything_with_keys_masked() {
    let file = "auth: {master_key: very-secret-master-key}\nnodes: [{id: a, url: 'http://h:1'}]";
    let output = run(&["config", "check", "--set", "cluster.shard_count=7"], Some(file));
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(shown.contains("shard_count: 7") && shown.contains("address: 127.0.0.1:7700"), "{shown}");
    assert!(shown.contains("master_key: '********'"), "{shown}");
    assert!(!format!("{shown}{}", text(&output.stderr)).contains("very-secret"));
    assert!(text(&output.stderr).contains("miroir.yaml"));
}

#[test]
fn config_check_names_a_sink_that_cannot_be_made() {
    let sinks = "cdc: {sinks: [{name: hook, kind: webhook, url: 'http://127.0.0.1/', secrets: [whsec_bm90IGxvbmcgZW5vdWdo]}]}";
    let output = run(&["config", "check"], Some(sinks));
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("the sink `hook`"), "{error}");
    assert!(!error.contains("bm90IGxvbmcgZW5vdWdo"), "no secret is shown: {error}");
}

#[test]
fn config_check_lists_all_problems_and_fails() {
    let output = run(&["config", "check"], Some("server: {adress: x}\ntimeouts: {read_ms: 0}"));
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "");
    let shown = text(&output.stderr);
    assert!(shown.contains("2 problems"), "{shown}");
    assert!(
        shown.contains("did you mean `server.address`?") && shown.contains("`timeouts.read_ms`"),
        "{shown}"
    );
}

#[test]
fn config_check_reads_the_environment_of_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let output = miroir(&folder, &["config", "check"]).env("MIROIR_LGO__LEVEL", "debug").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("did you mean MIROIR_LOG__LEVEL?"), "{}", text(&output.stderr));
}

#[test]
fn config_schema_prints_a_json_schema_or_the_reference() {
    let schema: Value = serde_json::from_slice(&run(&["config", "schema"], None).stdout).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let page = text(&run(&["config", "schema", "--markdown"], None).stdout);
    assert!(page.starts_with("# Configuration\n"), "{page}");
}

#[test]
fn serve_refuses_an_invalid_configuration() {
    let output =
        run(&["serve"], Some("cluster: {replication_factor: 2}\nnodes: [{id: a, url: 'http://h:1'}]"));
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("fewer than the replication factor"), "{}", text(&output.stderr));
}

#[test]
fn serve_fails_when_it_cannot_listen() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&["serve", "--address", &address], None);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains(&address), "{}", text(&output.stderr));
}

#[test]
fn serve_warns_without_nodes_and_stops_on_sigterm_and_sigint() {
    for signal in ["TERM", "INT"] {
        let serving = Serving::start();
        let warned = serving.before.iter().any(|line| line.contains("no Meilisearch nodes are configured"));
        assert!(warned, "{:#?}", serving.before);
        serving.signal(signal);
        let (code, log) = serving.ended();
        assert_eq!(code, Some(0), "{signal}: {log}");
        assert!(log.lines().last().is_some_and(|line| line.contains("\"stopped\"")), "{signal}: {log}");
    }
}

#[test]
fn health_exits_with_zero_only_while_a_server_is_healthy() {
    let serving = Serving::start();
    let url = format!("http://{}/", serving.address);
    let healthy = run(&["health", "--url", &url], None);
    assert_eq!(healthy.status.code(), Some(0), "{}", text(&healthy.stderr));
    assert_eq!(text(&healthy.stdout), "{\"status\":\"available\"}\n");

    let without_nodes = run(&["health", "--ready", "--url", &url], None);
    assert_eq!(without_nodes.status.code(), Some(1), "{}", text(&without_nodes.stdout));
    let error = text(&without_nodes.stderr);
    assert!(error.contains("GET /_miroir/ready returned 503"), "{error}");

    serving.signal("TERM");
    assert_eq!(serving.ended().0, Some(0));
    let folder = tempfile::tempdir().unwrap();
    let gone = miroir(&folder, &["health"]).env("MIROIR_URL", &url).output().unwrap();
    assert_eq!(gone.status.code(), Some(1));
    assert!(text(&gone.stderr).contains(url.trim_end_matches('/')), "{}", text(&gone.stderr));
}

#[test]
fn serve_stops_at_once_on_a_second_signal() {
    let mut serving = Serving::start();
    // A body that never arrives keeps the request in flight.
    let mut stream = TcpStream::connect(&serving.address).unwrap();
    let head =
        "POST /indexes HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).unwrap();
    // A response on a second connection proves that the server has read the head of the first request.
    let mut other = TcpStream::connect(&serving.address).unwrap();
    other.write_all(b"GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").unwrap();
    let mut response = String::new();
    other.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    serving.signal("TERM");
    serving.log_until("stopping once requests in flight are finished");
    serving.signal("TERM");
    let (code, rest) = serving.ended();
    assert_eq!(code, Some(1), "{rest}");
    assert!(rest.contains("second signal"), "{rest}");
}

/// Returns a folder with a configuration that names a store.
fn folder_with_store() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("miroir.yaml"), "store: { path: here.db }\n").unwrap();
    folder
}

#[test]
fn store_is_created_checked_and_copied() {
    let folder = folder_with_store();
    let run = |arguments: &[&str]| miroir(&folder, arguments).output().unwrap();
    let missing = run(&["store", "check"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("here.db"), "{}", text(&missing.stderr));
    let made: Value = serde_json::from_slice(&run(&["store", "migrate", "--json"]).stdout).unwrap();
    assert_eq!(made["from"], 0);
    assert!(text(&run(&["store", "migrate"]).stdout).contains("already"));
    assert_eq!(text(&run(&["store", "check"]).stdout), "The store is intact.\n");
    let stats: Value = serde_json::from_slice(&run(&["store", "stats", "--json"]).stdout).unwrap();
    assert_eq!((&stats["schema_version"], &stats["rows"]["tasks"]), (&made["to"], &Value::from(0)));
    for number in ["file_bytes", "wal_bytes", "pages", "free_pages", "free_bytes", "unfinished_tasks"] {
        assert!(stats[number].is_u64(), "{number} in {stats}");
    }
    assert!(text(&run(&["store", "stats"]).stdout).contains("rows of tasks"));
    assert!(run(&["store", "backup", "copy.db"]).status.success());
    let again = run(&["store", "backup", "copy.db"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("overwrites nothing"), "{}", text(&again.stderr));
    assert!(run(&["store", "check", "--store-path", "copy.db"]).status.success());
}

#[test]
fn store_of_a_running_miroir_can_be_copied_but_not_migrated() {
    let mut serving = Serving::start();
    let folder = &serving.folder;
    let run = |arguments: &[&str]| miroir(folder, arguments).output().unwrap();
    assert!(run(&["store", "check"]).status.success());
    assert!(run(&["store", "stats"]).status.success());
    assert!(run(&["store", "backup", "copy.db"]).status.success());
    assert!(run(&["store", "check", "--store-path", "copy.db"]).status.success());
    let refused = run(&["store", "migrate"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("another Miroir uses it"), "{}", text(&refused.stderr));
    serving.signal("TERM");
    assert!(serving.child.wait().unwrap().success());
}

/// Returns the error of a failed command, which prints nothing else.
fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(text(&output.stdout), "");
    text(&output.stderr)
}

#[test]
fn store_backup_overwrites_nothing_and_needs_a_folder() {
    let folder = folder_with_store();
    let run = |arguments: &[&str]| miroir(&folder, arguments).output().unwrap();
    assert!(run(&["store", "migrate"]).status.success());
    std::fs::write(folder.path().join("taken"), "precious").unwrap();
    let error = refusal(&run(&["store", "backup", "taken"]));
    assert!(error.contains("`taken`") && error.contains("name another file"), "{error}");
    assert_eq!(std::fs::read_to_string(folder.path().join("taken")).unwrap(), "precious");
    let error = refusal(&run(&["store", "backup", "no/such/copy.db"]));
    assert!(error.contains("`no/such/copy.db`") && error.contains("directory that exists"), "{error}");
    assert!(!folder.path().join("no").exists());
}

#[test]
fn store_check_fails_for_a_damaged_or_empty_store() {
    let folder = folder_with_store();
    let store = folder.path().join("here.db");
    let run = |arguments: &[&str]| miroir(&folder, arguments).output().unwrap();
    assert!(run(&["store", "migrate"]).status.success());
    let mut bytes = std::fs::read(&store).unwrap();
    // The last page is a part of the schema, without which nothing can be read. The one before it belongs
    // to the table that was created last.
    let (last, schema) = (bytes.len() - 2 * 4_096, bytes.len() - 4_096);
    bytes[last..schema].fill(0xa5);
    std::fs::write(&store, bytes).unwrap();
    let checked = run(&["store", "check", "--json"]);
    assert_eq!(checked.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert!(!found["problems"].as_array().unwrap().is_empty(), "{found}");
    assert!(text(&checked.stderr).contains("restore it from a backup"), "{}", text(&checked.stderr));

    std::fs::write(&store, "").unwrap();
    for command in ["check", "stats"] {
        let error = refusal(&run(&["store", command]));
        assert!(error.contains("`here.db` is empty"), "{error}");
    }
    assert!(refusal(&run(&["store", "backup", "copy.db"])).contains("`here.db` is empty"));
    assert!(!folder.path().join("copy.db").exists());
    assert!(text(&run(&["store", "migrate"]).stdout).contains("from version 0"));
}

#[test]
fn store_of_a_newer_version_is_refused_and_unchanged() {
    let folder = folder_with_store();
    let store = folder.path().join("here.db");
    let run = |arguments: &[&str]| miroir(&folder, arguments).output().unwrap();
    assert!(run(&["store", "migrate"]).status.success());
    let mut bytes = std::fs::read(&store).unwrap();
    // The offset of `user_version`: https://www.sqlite.org/fileformat2.html#user_version_number
    bytes[60..64].copy_from_slice(&4_711_u32.to_be_bytes());
    std::fs::write(&store, &bytes).unwrap();
    for command in [&["check"][..], &["stats"], &["migrate"], &["backup", "copy.db"]] {
        let error = refusal(&run(&[&["store"], command].concat()));
        assert!(error.contains("4711"), "{command:?}: {error}");
    }
    assert!(!folder.path().join("copy.db").exists());
    assert!(std::fs::read(&store).unwrap() == bytes, "the store was changed");
}

#[test]
fn store_commands_refuse_a_store_without_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let run = |backend: &str, command: &[&str]| {
        let output = miroir(&folder, command).env("MIROIR_STORE__BACKEND", backend).output().unwrap();
        assert_eq!(output.status.code(), Some(if backend == "redis" { 2 } else { 1 }));
        text(&output.stderr)
    };
    assert!(run("memory", &["store", "check"]).contains("`memory`"));
    assert!(run("memory", &["store", "backup", "x"]).contains("`memory`"));
    assert!(run("redis", &["store", "backup", "x"]).contains("store.redis.url"));
}
