//! The dashboard of Grafana.

use std::path::Path;

use serde_json::Value;

use super::expression::{faults, read};
use super::run::Run;

/// Path of the dashboard, from the root of the repository.
const DASHBOARD: &str = "charts/miroir/files/dashboard.json";

pub fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn panels() -> Vec<Value> {
    let dashboard: Value = serde_json::from_str(&file(DASHBOARD)).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().clone();
    panels.into_iter().filter(|panel| panel["type"] != "row").collect()
}

fn expressions(panel: &Value) -> Vec<&str> {
    panel["targets"].as_array().unwrap().iter().map(|target| target["expr"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn dashboard_shows_exactly_the_exported_metrics() {
    let run = Run::used().await;
    let exported = run.families().await;
    run.stop().await;
    let panels = panels();
    assert!(panels.len() > 30, "{}", panels.len());
    let all: Vec<&str> = panels.iter().flat_map(expressions).collect();
    let faults: Vec<String> = all.iter().flat_map(|expression| faults(expression, &exported)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let shown: Vec<String> =
        all.iter().flat_map(|expression| read(expression).metrics).map(|(name, _)| name).collect();
    let is_shown = |name: &str| {
        ["", "_bucket", "_sum", "_count"].iter().any(|part| shown.contains(&format!("{name}{part}")))
    };
    let missing: Vec<&String> = exported.keys().filter(|name| !is_shown(name)).collect();
    assert!(missing.is_empty(), "on no panel: {missing:?}");
}

#[test]
fn panels_have_descriptions_and_do_not_overlap() {
    let mut covered = std::collections::BTreeSet::new();
    for panel in panels() {
        for key in ["title", "description"] {
            assert!(panel[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {panel}");
        }
        let position = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        for x in position("x")..position("x") + position("w") {
            for y in position("y")..position("y") + position("h") {
                assert!(x < 24 && covered.insert((x, y)), "{} overlaps another panel", panel["title"]);
            }
        }
    }
}

#[test]
fn chart_contains_this_dashboard() {
    let template = file("charts/miroir/templates/dashboard.yaml");
    let in_chart = DASHBOARD.strip_prefix("charts/miroir/").unwrap();
    assert!(template.contains(&format!(".Files.Get \"{in_chart}\"")), "{template}");
}
