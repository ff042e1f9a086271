//! Schemathesis fuzzes every operation of the OpenAPI document on a Miroir process: no server errors, no
//! responses that the document does not describe, and Miroir keeps running.

use std::path::Path;

use miroir_e2e::{Client, Cluster, Process, TIMEOUT, python_script};
use serde_json::{Value, json};

/// Examples of each operation in each phase, unless `MIROIR_FUZZ_EXAMPLES` sets another number.
const EXAMPLES: u32 = 5;
/// Seed of the cases, unless `MIROIR_FUZZ_SEED` sets another.
const SEED: u64 = 20_250_304;
/// Timeout of the run in multiples of [`TIMEOUT`]. It grows with the number of examples.
const TIMEOUTS: u32 = 8;
const MASTER_KEY: &str = "a-master-key-for-the-fuzzer";
const ADMIN_KEY: &str = "an-admin-key-for-the-fuzzer";

/// Checks of every response.
const CHECKS: [&str; 8] = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "error_code_is_described",
];

#[tokio::test]
async fn responses_fit_the_document_for_valid_and_invalid_requests() {
    let mut cluster = start().await;
    fill(&cluster.client()).await;
    let examples = number("MIROIR_FUZZ_EXAMPLES").map_or(EXAMPLES, |number| u32::try_from(number).unwrap());
    let seed = number("MIROIR_FUZZ_SEED").unwrap_or(SEED);
    let directory = tempfile::tempdir().unwrap();
    let mut fuzzing = fuzzer(cluster.client().base_url(), examples, seed, directory.path());
    fuzzing.start().unwrap();
    let limit = TIMEOUT * TIMEOUTS * examples.div_ceil(EXAMPLES);
    let status = fuzzing.wait_at_most(limit).await.unwrap();
    let log = fuzzing.log();
    println!("{log}");
    assert!(status.success(), "the fuzzer found an error with the seed {seed}");
    // A run without requests would pass as well.
    assert!(cases(&log) > 1_000, "only {} cases", cases(&log));

    cluster.miroir().process().expect_running().unwrap();
    let log = cluster.miroir().process().log();
    assert!(!log.contains("panicked"), "Miroir panicked");
    assert!(!log.contains("\"level\":\"ERROR\""), "Miroir logged an error");
    cluster.client().get("/_miroir/ready").await.unwrap().expect(200).unwrap();
}

async fn start() -> Cluster {
    // The port is closed: the events of the sink stay in the outbox.
    let hook = json!({
        "name": "hook", "kind": "webhook", "url": "http://127.0.0.1:9/", "allow_private": true,
        "secrets": ["whsec_bWlyb2lyLWZ1enotdGVzdC1zZWNyZXQta2V5"],
    });
    let canary = json!({
        "id": "configured", "name": "of the configuration", "index": "films", "intervalSeconds": 3600, "query": {},
    });
    let cluster = Cluster::builder().nodes(3).replication_factor(2).shard_count(8).configuration(json!({
        "auth": { "master_key": MASTER_KEY, "admin_key": ADMIN_KEY },
        // The longest wait for a change is half of this.
        "server": { "request_timeout_ms": 20_000 },
        "cdc": { "sinks": [{ "name": "feed", "kind": "internal" }, hook] },
        "canary": { "definitions": [canary] },
        "log": { "level": "warn", "format": "json" },
    }));
    cluster.node_key(MASTER_KEY).start().await.unwrap()
}

/// Creates the objects that the hooks of the fuzzer name.
async fn fill(client: &Client) {
    let films = json!([
        { "id": 1, "title": "Metropolis", "year": 1927, "genres": ["Drama"] },
        { "id": 2, "title": "Alien", "year": 1979, "genres": ["Horror"] },
    ]);
    let settings = json!({ "filterableAttributes": ["year", "genres"], "sortableAttributes": ["year"] });
    client.write("PATCH", "/indexes/films/settings", settings).await.unwrap();
    client.write("POST", "/indexes/films/documents?primaryKey=id", films).await.unwrap();
    let admin = |path: &str, body: Value| {
        client.request("POST", path).unwrap().header("X-Admin-Key", ADMIN_KEY).json(&body)
    };
    for (path, body) in [
        ("/_miroir/aliases", json!({ "name": "current", "target": "films" })),
        ("/_miroir/aliases", json!({ "name": "everything", "targets": ["films"] })),
        (
            "/_miroir/canaries",
            json!({ "id": "casablanca", "name": "c", "index": "films", "intervalSeconds": 3600, "query": {} }),
        ),
    ] {
        client.send(admin(path, body)).await.unwrap().expect(201).unwrap();
    }
}

fn fuzzer(url: &str, examples: u32, seed: u64, directory: &Path) -> Process {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let mut command = python_script("fuzz.py").unwrap();
    command
        .current_dir(directory)
        .arg("--config-file")
        .arg(python.join("fuzz.toml"))
        .arg("run")
        .arg(document)
        .args(["--url", url, "--checks", &CHECKS.join(",")])
        .args(["--header", &format!("Authorization: Bearer {MASTER_KEY}")])
        .args(["--header", &format!("X-Admin-Key: {ADMIN_KEY}")])
        .args(["--max-examples", &examples.to_string(), "--seed", &seed.to_string()])
        .args(["--phases", "examples,coverage,fuzzing", "--continue-on-failure"])
        // Excluded health checks depend on the speed of the machine.
        .args(["--suppress-health-check", "all"])
        // One worker: Hypothesis moves the recursion limit of the whole interpreter, and Python 3.11 fails
        // with a SystemError if that happens while another thread parses.
        .args(["--request-timeout", "60", "--workers", "1", "--no-color"]);
    Process::new("schemathesis", command, directory.join("log"))
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is `{text}`, which is not a number")))
}

/// Returns the number of cases that the fuzzer reports.
fn cases(log: &str) -> u64 {
    let line = log.lines().find(|line| line.contains(" generated, ")).unwrap_or_default();
    line.split_whitespace().next().and_then(|word| word.replace(',', "").parse().ok()).unwrap_or(0)
}
