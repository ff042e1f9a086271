//! helm accepts every case, and the schemas of Kubernetes accept its objects.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use miroir_test_chart::{CASES, ChartCopy, Object, Values, chart, repository};
use serde_json::{Value, json};

/// The oldest supported Kubernetes, and the newest with schemas.
const KUBERNETES: [&str; 2] = ["1.25", "1.37"];

/// Returns the errors of the schemas, one line each.
fn errors(entries: &[Value]) -> Vec<String> {
    let python = repository("target/venv-chart/bin/python");
    let mut child = Command::new(&python)
        .arg(repository("tests/chart/python/validate.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {} ({error}): `make helm` installs it", python.display()));
    let mut input = child.stdin.take().unwrap();
    input.write_all(&serde_json::to_vec(entries).unwrap()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the validator failed, see above");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn entry(case: &str, version: &str, object: &Value) -> Value {
    json!({ "case": case, "version": version, "object": object })
}

/// Returns whether Kubernetes has the kind. Those of the Prometheus operator are checked in `monitoring`.
fn is_core(object: &Object) -> bool {
    !object.text("/apiVersion").starts_with("monitoring.coreos.com/")
}

#[test]
fn every_case_fits_the_schemas_of_the_oldest_and_the_newest_kubernetes() {
    let mut entries = Vec::new();
    for version in KUBERNETES {
        for case in CASES {
            let rendered = case.values().kubernetes(version).render();
            let rendered = rendered.unwrap_or_else(|refusal| panic!("{} was refused: {refusal}", case.name));
            let core = rendered.iter().filter(|object| is_core(object));
            entries.extend(core.map(|object| entry(case.name, version, &object.0)));
        }
    }
    assert!(entries.len() > 10 * CASES.len(), "only {} objects were rendered", entries.len());
    let errors = errors(&entries);
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

#[test]
fn schemas_refuse_invalid_objects() {
    let misspelt =
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "a" }, "spec": { "port": [] } });
    let unknown = json!({ "apiVersion": "v1", "kind": "Servise", "metadata": { "name": "a" } });
    let printed = errors(&[entry("one", "1.31", &misspelt), entry("two", "1.31", &unknown)]);
    assert_eq!(printed.len(), 2, "{printed:?}");
    assert!(
        printed[0].starts_with("one: Service a, Kubernetes 1.31, at /spec: Additional properties"),
        "{printed:?}"
    );
    assert!(printed[1].starts_with("two: Servise"), "{printed:?}");
}

#[test]
fn lint_finds_nothing_in_any_case() {
    for case in CASES {
        let printed = case.values().lint().unwrap_or_else(|printed| panic!("{}: {printed}", case.name));
        assert!(!printed.contains("Fail"), "{}: {printed}", case.name);
    }
}

#[test]
fn chart_and_compose_file_install_the_version_of_this_workspace() {
    let chart: Value =
        serde_norway::from_str(&std::fs::read_to_string(chart().join("Chart.yaml")).unwrap()).unwrap();
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
    let compose = std::fs::read_to_string(repository("compose.yaml")).unwrap();
    assert!(compose.contains(concat!("image: miroir:", env!("CARGO_PKG_VERSION"), "\n")));
}

/// Collects the paths of the values in the schema `node`, through objects that list their keys.
fn described(node: &Value, path: &str, found: &mut BTreeSet<String>) {
    match node["properties"].as_object() {
        Some(properties) => {
            for (key, inner) in properties {
                described(inner, &format!("{path}/{key}"), found);
            }
        }
        None => {
            found.insert(path.to_owned());
        }
    }
}

#[test]
fn every_value_that_can_be_set_has_a_default_in_the_values_file() {
    let read = |name: &str| std::fs::read_to_string(chart().join(name)).unwrap();
    let schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
    let defaults: Value = serde_norway::from_str(&read("values.yaml")).unwrap();
    let mut paths = BTreeSet::new();
    described(&schema, "", &mut paths);
    // Excludes values that helm passes to every chart, and those with a default in Kubernetes.
    let exempt = |path: &str| path == "/global" || path.ends_with("/claims") || path.starts_with("/probes/");
    let missing: Vec<&String> =
        paths.iter().filter(|path| !exempt(path) && defaults.pointer(path).is_none()).collect();
    assert!(paths.len() > 100 && missing.is_empty(), "without a default: {missing:?}");
}

#[test]
fn notes_name_the_next_commands() {
    // Helm prints notes only during an installation, so a copy of the chart has them as a template.
    let copy = ChartCopy::new().unwrap();
    let notes = std::fs::read_to_string(copy.folder().join("templates/NOTES.txt")).unwrap();
    let template = format!(
        "{{{{ define \"notes\" }}}}{notes}{{{{ end }}}}notes: {{{{ include \"notes\" . | toJson }}}}"
    );
    std::fs::write(copy.folder().join("templates/shown.yaml"), template).unwrap();

    let notes_of = |example: &str| {
        let rendered = Values::example(example).of_copy(&copy).only("templates/shown.yaml").rendered();
        rendered[0].text("/notes").to_owned()
    };
    let production = notes_of("production");
    assert!(
        production.starts_with("Miroir 0.1.0: instances 3 to 9, task store on redis, 6 Meilisearch nodes."),
        "{production}"
    );
    for line in [
        "  kubectl --namespace search rollout status deployment/shop-miroir\n",
        "  helm test --namespace search shop\n",
        "get secret miroir-keys -o jsonpath='{.data.master-key}'",
        "From outside: https://search.example.com",
    ] {
        assert!(production.contains(line), "`{line}` is not in {production}");
    }
    let single = notes_of("sqlite");
    assert!(
        single.starts_with("Miroir 0.1.0: instances 1, task store on sqlite, 3 Meilisearch nodes."),
        "{single}"
    );
    assert!(single.contains("get secret shop-miroir -o") && !single.contains("From outside"), "{single}");
}
