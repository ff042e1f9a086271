//! Checks by `promtool` of Prometheus.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::run::Run;

/// Runs promtool in the folder of the repository. It must succeed.
fn promtool(arguments: &[&str], input: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new("promtool");
    command.args(arguments).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| {
        panic!(
            "promtool cannot be run ({error}): install it with scripts/need-promtool (Debian, Ubuntu: apt-get \
             install prometheus)"
        )
    });
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let output_text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    assert!(output.status.success(), "promtool {arguments:?}: {output_text}");
}

#[test]
fn rules_are_valid() {
    promtool(&["check", "rules", "charts/miroir/files/alerts.yaml"], "");
}

#[test]
fn alerts_fire_after_their_delay() {
    promtool(&["test", "rules", "app/tests/metrics/alerts_test.yaml"], "");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_follow_the_naming_conventions() {
    let run = Run::used().await;
    let text = run.scrape().await;
    run.stop().await;
    promtool(&["check", "metrics"], &text);
}
