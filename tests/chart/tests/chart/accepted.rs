//! Every case is accepted by helm, and what it renders by the schemas of Kubernetes.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use miroir_test_chart::{CASES, ChartCopy, Object, Values, chart, repository};
use serde_json::{Value, json};

/// The oldest Kubernetes the chart is for, and the newest whose schemas there are.
const KUBERNETES: [&str; 2] = ["1.25", "1.37"];

/// What the schemas disagree with, one line each.
fn disagreements(entries: &[Value]) -> Vec<String> {
    let python = repository("target/venv-chart/bin/python");
    let mut child = Command::new(&python)
        .arg(repository("tests/chart/python/validate.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {} ({error}): `make helm` makes it", python.display()));
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

/// Kinds of the Prometheus operator are not Kubernetes' own; `monitoring` judges them.
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
    let disagreements = disagreements(&entries);
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
}

#[test]
fn the_schemas_disagree_with_objects_that_do_not_fit() {
    let misspelt =
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "a" }, "spec": { "port": [] } });
    let unknown = json!({ "apiVersion": "v1", "kind": "Servise", "metadata": { "name": "a" } });
    let said = disagreements(&[entry("one", "1.31", &misspelt), entry("two", "1.31", &unknown)]);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0].starts_with("one: Service a, Kubernetes 1.31, at /spec: Additional properties"),
        "{said:?}"
    );
    assert!(said[1].starts_with("two: Servise"), "{said:?}");
}

#[test]
fn lint_finds_nothing_in_any_case() {
    for case in CASES {
        let said = case.values().lint().unwrap_or_else(|said| panic!("{}: {said}", case.name));
        assert!(!said.contains("Fail"), "{}: {said}", case.name);
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

/// The paths of what `node` describes, through the objects that list their keys.
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
    // What helm hands to every chart, and what Kubernetes has defaults for.
    let exempt = |path: &str| path == "/global" || path.ends_with("/claims") || path.starts_with("/probes/");
    let lacking: Vec<&String> =
        paths.iter().filter(|path| !exempt(path) && defaults.pointer(path).is_none()).collect();
    assert!(paths.len() > 100 && lacking.is_empty(), "without a default: {lacking:?}");
}

#[test]
fn notes_tell_the_next_command() {
    // Helm shows notes only when it installs. A copy of the chart has them as a template of its own.
    let copy = ChartCopy::new().unwrap();
    let notes = std::fs::read_to_string(copy.folder().join("templates/NOTES.txt")).unwrap();
    let template = format!(
        "{{{{ define \"notes\" }}}}{notes}{{{{ end }}}}notes: {{{{ include \"notes\" . | toJson }}}}"
    );
    std::fs::write(copy.folder().join("templates/shown.yaml"), template).unwrap();

    let told = |example: &str| {
        let rendered = Values::example(example).of_copy(&copy).only("templates/shown.yaml").rendered();
        rendered[0].text("/notes").to_owned()
    };
    let production = told("production");
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
    let single = told("sqlite");
    assert!(
        single.starts_with("Miroir 0.1.0: instances 1, task store on sqlite, 3 Meilisearch nodes."),
        "{single}"
    );
    assert!(single.contains("get secret shop-miroir -o") && !single.contains("From outside"), "{single}");
}
