//! The program from outside: what it prints, how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use serde_json::Value;

/// The program in an empty folder with an empty environment, so that nothing of this machine's shows through.
fn miroir(folder: &tempfile::TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_miroir"));
    command.args(arguments).env_clear().current_dir(folder.path()).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str], file: Option<&str>) -> Output {
    let folder = tempfile::tempdir().unwrap();
    if let Some(content) = file {
        std::fs::write(folder.path().join("miroir.yaml"), content).unwrap();
    }
    miroir(&folder, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A running `miroir serve`, killed when the test ends early.
struct Serving {
    child: Child,
    log: BufReader<ChildStderr>,
    address: String,
    /// What was logged before it listened.
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

    /// The exit code and the rest of the log.
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
        // It has ended by itself unless the test failed.
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
fn config_check_tells_a_sink_that_cannot_be_made() {
    let sinks = "cdc: {sinks: [{name: hook, kind: webhook, url: 'http://127.0.0.1/', secrets: [whsec_bm90IGxvbmcgZW5vdWdo]}]}";
    let output = run(&["config", "check"], Some(sinks));
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the sink `hook`"), "{said}");
    assert!(!said.contains("bm90IGxvbmcgZW5vdWdo"), "no secret is shown: {said}");
}

#[test]
fn config_check_lists_every_problem_and_fails() {
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
fn serve_refuses_a_configuration_that_does_not_hold() {
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
fn serve_says_which_nodes_it_lacks_and_ends_cleanly_on_sigterm_and_sigint() {
    for signal in ["TERM", "INT"] {
        let serving = Serving::start();
        let lacking = serving.before.iter().any(|line| line.contains("no Meilisearch nodes are configured"));
        assert!(lacking, "{:#?}", serving.before);
        serving.signal(signal);
        let (code, log) = serving.ended();
        assert_eq!(code, Some(0), "{signal}: {log}");
        assert!(log.lines().last().is_some_and(|line| line.contains("\"stopped\"")), "{signal}: {log}");
    }
}

#[test]
fn health_ends_with_zero_only_while_a_server_is_well() {
    let serving = Serving::start();
    let url = format!("http://{}/", serving.address);
    let well = run(&["health", "--url", &url], None);
    assert_eq!(well.status.code(), Some(0), "{}", text(&well.stderr));
    assert_eq!(text(&well.stdout), "{\"status\":\"available\"}\n");

    let without_nodes = run(&["health", "--ready", "--url", &url], None);
    assert_eq!(without_nodes.status.code(), Some(1), "{}", text(&without_nodes.stdout));
    let said = text(&without_nodes.stderr);
    assert!(said.contains("GET /_miroir/ready was answered 503"), "{said}");

    serving.signal("TERM");
    assert_eq!(serving.ended().0, Some(0));
    let folder = tempfile::tempdir().unwrap();
    let gone = miroir(&folder, &["health"]).env("MIROIR_URL", &url).output().unwrap();
    assert_eq!(gone.status.code(), Some(1));
    assert!(text(&gone.stderr).contains(url.trim_end_matches('/')), "{}", text(&gone.stderr));
}

#[test]
fn serve_ends_at_once_on_a_second_signal_while_a_request_is_in_flight() {
    let mut serving = Serving::start();
    // A body that is announced and never comes keeps the request in flight.
    let mut stream = TcpStream::connect(&serving.address).unwrap();
    let head =
        "POST /indexes HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).unwrap();
    // An answer on a second connection proves that the server is at work, and so has read the first one's head.
    let mut other = TcpStream::connect(&serving.address).unwrap();
    other.write_all(b"GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    other.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    serving.signal("TERM");
    serving.log_until("stopping once requests in flight are finished");
    serving.signal("TERM");
    let (code, rest) = serving.ended();
    assert_eq!(code, Some(1), "{rest}");
    assert!(rest.contains("second signal"), "{rest}");
}

#[test]
fn dev_refuses_to_keep_what_simulated_nodes_forget() {
    let output = run(&["dev", "--simulated", "--data", "somewhere"], None);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--data needs real Meilisearch servers"));
}

#[test]
fn demo_refuses_a_meilisearch_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = miroir(&folder, &["demo"]);
    let output = command.env("MIROIR_MEILISEARCH_BIN", "/nonexistent/meilisearch").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("/nonexistent/meilisearch"), "{}", text(&output.stderr));
}

/// A program that a test uses as a Meilisearch: a shell script.
fn script(folder: &tempfile::TempDir, content: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.path().join("meilisearch");
    std::fs::write(&path, format!("#!/bin/sh\n{content}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn demo_holds_every_step_on_simulated_nodes() {
    let output = run(&["demo", "--simulated"], None);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    for part in ["[1/9]", "[9/9]", "X-Miroir-Degraded: ", "tasks are still there", "Every step held:"] {
        assert!(out.contains(part), "`{part}` is not in:\n{out}");
    }
    assert!(err.is_empty(), "{err}");
}

#[test]
fn dev_serves_the_films_until_it_is_told_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = miroir(&folder, &["dev", "--simulated", "--address", "127.0.0.1:0"]);
    let mut dev = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(dev.stdout.take().unwrap()).lines().map(Result::unwrap);
    let said: Vec<String> = out.by_ref().take_while(|line| !line.contains("Press Ctrl-C")).collect();
    let place = said.iter().find_map(|line| line.strip_prefix("Miroir is at http://"));
    let place = place.unwrap_or_else(|| panic!("{said:#?}"));
    assert!(place.contains("with 193 films in the index `films`"), "{place}");
    let mut stream = TcpStream::connect(place.split(' ').next().unwrap()).unwrap();
    stream
        .write_all(b"GET /indexes/films/documents/1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("A Trip to the Moon"), "{answer}");
    let status = Command::new("kill").args(["-TERM", &dev.id().to_string()]).status();
    assert!(status.unwrap().success());
    assert_eq!(dev.wait().unwrap().code(), Some(0));
}

#[test]
fn demo_fails_loudly_with_the_step_and_the_last_words_of_a_node() {
    let folder = tempfile::tempdir().unwrap();
    let program = script(&folder, "echo out of luck; exit 3");
    let output = miroir(&folder, &["demo"]).env("MIROIR_MEILISEARCH_BIN", program).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stderr);
    for part in ["THE DEMO FAILED at step 1 of 9", "node-1", "exit status: 3", "out of luck"] {
        assert!(shown.contains(part), "`{part}` is not in:\n{shown}");
    }
}

#[test]
fn demo_ends_its_nodes_when_it_is_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pid");
    let program =
        script(&folder, &format!("echo $$ > {0}.new; mv {0}.new {0}; exec sleep 600", pids.display()));
    let mut command = miroir(&folder, &["demo"]);
    command.env("MIROIR_MEILISEARCH_BIN", program).env("PATH", "/usr/bin:/bin");
    let mut demo = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let patience = std::time::Duration::from_secs(30);
    let node = until(patience, || std::fs::read_to_string(&pids).ok());
    let status = Command::new("kill").args(["-INT", &demo.id().to_string()]).status();
    assert!(status.unwrap().success());
    assert_eq!(demo.wait().unwrap().code(), Some(1));
    // The kernel may take a moment to bury it.
    let alive = || std::path::Path::new("/proc").join(node.trim()).exists();
    until(patience, || (!alive()).then_some(()));
}

/// Looks until there is something, at most for `patience`.
fn until<T>(patience: std::time::Duration, look: impl Fn() -> Option<T>) -> T {
    let pause = std::time::Duration::from_millis(20);
    let mut waited = std::time::Duration::ZERO;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(waited < patience, "not within {patience:?}");
        std::thread::sleep(pause);
        waited += pause;
    }
}

/// A folder with a configuration for a store of its own, no nodes and a free port.
fn folder_with_store() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("miroir.yaml"), "store: { path: here.db }\n").unwrap();
    folder
}

#[test]
fn store_is_made_looked_at_and_copied() {
    let folder = folder_with_store();
    let run = |arguments: &[&str]| miroir(&folder, arguments).output().unwrap();
    let missing = run(&["store", "check"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("here.db"), "{}", text(&missing.stderr));
    let made: Value = serde_json::from_slice(&run(&["store", "migrate", "--json"]).stdout).unwrap();
    assert_eq!(made["from"], 0);
    assert!(text(&run(&["store", "migrate"]).stdout).contains("already"));
    assert_eq!(text(&run(&["store", "check"]).stdout), "The store is whole.\n");
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
fn store_of_a_running_miroir_is_copied_and_not_migrated() {
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

/// What a command that failed said, on stderr alone.
fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(text(&output.stdout), "");
    text(&output.stderr)
}

#[test]
fn store_backup_leaves_what_is_there_and_needs_a_folder() {
    let folder = folder_with_store();
    let run = |arguments: &[&str]| miroir(&folder, arguments).output().unwrap();
    assert!(run(&["store", "migrate"]).status.success());
    std::fs::write(folder.path().join("taken"), "precious").unwrap();
    let said = refusal(&run(&["store", "backup", "taken"]));
    assert!(said.contains("`taken`") && said.contains("name another file"), "{said}");
    assert_eq!(std::fs::read_to_string(folder.path().join("taken")).unwrap(), "precious");
    let said = refusal(&run(&["store", "backup", "no/such/copy.db"]));
    assert!(said.contains("`no/such/copy.db`") && said.contains("directory that exists"), "{said}");
    assert!(!folder.path().join("no").exists());
}

#[test]
fn store_that_is_damaged_or_empty_fails_its_check() {
    let folder = folder_with_store();
    let store = folder.path().join("here.db");
    let run = |arguments: &[&str]| miroir(&folder, arguments).output().unwrap();
    assert!(run(&["store", "migrate"]).status.success());
    let mut bytes = std::fs::read(&store).unwrap();
    // The page in the middle belongs to some table or index.
    let middle = bytes.len() / 2 / 4_096 * 4_096;
    bytes[middle..middle + 4_096].fill(0xa5);
    std::fs::write(&store, bytes).unwrap();
    let checked = run(&["store", "check", "--json"]);
    assert_eq!(checked.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert!(!found["problems"].as_array().unwrap().is_empty(), "{found}");
    assert!(text(&checked.stderr).contains("restore it from a backup"), "{}", text(&checked.stderr));

    std::fs::write(&store, "").unwrap();
    for command in ["check", "stats"] {
        let said = refusal(&run(&["store", command]));
        assert!(said.contains("`here.db` is empty"), "{said}");
    }
    assert!(refusal(&run(&["store", "backup", "copy.db"])).contains("`here.db` is empty"));
    assert!(!folder.path().join("copy.db").exists());
    assert!(text(&run(&["store", "migrate"]).stdout).contains("from version 0"));
}

#[test]
fn store_of_a_newer_miroir_is_refused_by_every_command_and_left_as_it_is() {
    let folder = folder_with_store();
    let store = folder.path().join("here.db");
    let run = |arguments: &[&str]| miroir(&folder, arguments).output().unwrap();
    assert!(run(&["store", "migrate"]).status.success());
    let mut bytes = std::fs::read(&store).unwrap();
    // Where SQLite keeps `user_version`: https://www.sqlite.org/fileformat2.html#user_version_number
    bytes[60..64].copy_from_slice(&4_711_u32.to_be_bytes());
    std::fs::write(&store, &bytes).unwrap();
    for command in [&["check"][..], &["stats"], &["migrate"], &["backup", "copy.db"]] {
        let said = refusal(&run(&[&["store"], command].concat()));
        assert!(said.contains("4711"), "{command:?}: {said}");
    }
    assert!(!folder.path().join("copy.db").exists());
    assert!(std::fs::read(&store).unwrap() == bytes, "the store was changed");
}

#[test]
fn stores_that_are_no_file_say_so() {
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
