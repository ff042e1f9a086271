//! `miroir dev` and `miroir demo`, run as programs.

mod program;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use program::{miroir, run, text};

#[test]
fn dev_refuses_a_folder_for_simulated_nodes() {
    let output = run(&["dev", "--simulated", "--data", "somewhere"], None);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--data needs real Meilisearch servers"));
}

#[test]
fn demo_refuses_a_meilisearch_program_that_does_not_exist() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = miroir(&folder, &["demo"]);
    let output = command.env("MIROIR_MEILISEARCH_BIN", "/nonexistent/meilisearch").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("/nonexistent/meilisearch"), "{}", text(&output.stderr));
}

/// Creates a shell script to use as a Meilisearch program.
fn script(folder: &tempfile::TempDir, content: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.path().join("meilisearch");
    std::fs::write(&path, format!("#!/bin/sh\n{content}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn demo_succeeds_in_every_step_on_simulated_nodes() {
    let output = run(&["demo", "--simulated"], None);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    for part in ["X-Miroir-Degraded: ", "tasks are still there", "Every step succeeded:"] {
        assert!(out.contains(part), "`{part}` is not in:\n{out}");
    }
    assert!(err.is_empty(), "{err}");
    let numbers: Vec<(usize, usize)> = out.lines().filter_map(step_number).collect();
    let expected: Vec<(usize, usize)> = (1..=numbers.len()).map(|number| (number, numbers.len())).collect();
    assert!(numbers.len() > 8, "{out}");
    assert_eq!(numbers, expected, "the steps are numbered from 1 to their count");
}

/// Returns the number of a step and the number of all steps, of a line such as `[1/10] Load films`.
fn step_number(line: &str) -> Option<(usize, usize)> {
    let (number, total) = line.strip_prefix('[')?.split_once(']')?.0.split_once('/')?;
    Some((number.parse().ok()?, total.parse().ok()?))
}

#[test]
fn dev_serves_the_films_until_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = miroir(&folder, &["dev", "--simulated", "--address", "127.0.0.1:0"]);
    let mut dev = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(dev.stdout.take().unwrap()).lines().map(Result::unwrap);
    let lines: Vec<String> = out.by_ref().take_while(|line| !line.contains("Press Ctrl-C")).collect();
    let place = lines.iter().find_map(|line| line.strip_prefix("Miroir is at http://"));
    let place = place.unwrap_or_else(|| panic!("{lines:#?}"));
    assert!(place.contains("with 193 films in the index `films`"), "{place}");
    let mut stream = TcpStream::connect(place.split(' ').next().unwrap()).unwrap();
    stream
        .write_all(b"GET /indexes/films/documents/1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.contains("A Trip to the Moon"), "{response}");
    let status = Command::new("kill").args(["-TERM", &dev.id().to_string()]).status();
    assert!(status.unwrap().success());
    assert_eq!(dev.wait().unwrap().code(), Some(0));
}

#[test]
fn demo_reports_the_failed_step_and_the_log_of_a_node() {
    let folder = tempfile::tempdir().unwrap();
    let program = script(&folder, "echo out of luck; exit 3");
    let output = miroir(&folder, &["demo"]).env("MIROIR_MEILISEARCH_BIN", program).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    for part in ["THE DEMO FAILED at step 1 of 10", "node-1", "exit status: 3", "out of luck"] {
        assert!(error.contains(part), "`{part}` is not in:\n{error}");
    }
}

#[test]
fn demo_stops_its_nodes_on_interruption() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pid");
    let program =
        script(&folder, &format!("echo $$ > {0}.new; mv {0}.new {0}; exec sleep 600", pids.display()));
    let mut command = miroir(&folder, &["demo"]);
    command.env("MIROIR_MEILISEARCH_BIN", program).env("PATH", "/usr/bin:/bin");
    let mut demo = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let timeout = std::time::Duration::from_secs(30);
    let node = until(timeout, || std::fs::read_to_string(&pids).ok());
    let status = Command::new("kill").args(["-INT", &demo.id().to_string()]).status();
    assert!(status.unwrap().success());
    assert_eq!(demo.wait().unwrap().code(), Some(1));
    // The kernel may take a moment to remove the process.
    let alive = || std::path::Path::new("/proc").join(node.trim()).exists();
    until(timeout, || (!alive()).then_some(()));
}

/// Polls `look` until it returns a value, for at most `timeout`.
fn until<T>(timeout: std::time::Duration, look: impl Fn() -> Option<T>) -> T {
    let pause = std::time::Duration::from_millis(20);
    let mut waited = std::time::Duration::ZERO;
    loop {
        if let Some(value) = look() {
            return value;
        }
        assert!(waited < timeout, "not within {timeout:?}");
        std::thread::sleep(pause);
        waited += pause;
    }
}
