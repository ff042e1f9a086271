//! The alert rules and the runbook.

use serde_json::Value;

use super::dashboard::file;
use super::expression::faults;
use super::run::Run;

fn alerts() -> Vec<Value> {
    let rules: Value = serde_norway::from_str(&file("charts/miroir/files/alerts.yaml")).unwrap();
    let groups = rules["groups"].as_array().unwrap();
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

fn name(alert: &Value) -> &str {
    alert["alert"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_use_only_exported_metrics() {
    let run = Run::used().await;
    let exported = run.families().await;
    run.stop().await;
    let alerts = alerts();
    assert!(alerts.len() > 10, "{}", alerts.len());
    for alert in &alerts {
        let faults = faults(alert["expr"].as_str().unwrap(), &exported);
        assert!(faults.is_empty(), "{}: {faults:#?}", name(alert));
    }
}

#[test]
fn alerts_have_annotations_and_a_section_in_the_runbook() {
    let runbook = file("docs/runbook.md");
    for alert in &alerts() {
        let severity = alert["labels"]["severity"].as_str().unwrap();
        assert!(["warning", "critical"].contains(&severity), "{}: {severity}", name(alert));
        for key in ["summary", "description"] {
            let text = alert["annotations"][key].as_str().unwrap();
            assert!(text.ends_with('.'), "{}: {text}", name(alert));
        }
        let link = format!("docs/runbook.md#{}", name(alert).to_lowercase());
        assert_eq!(alert["annotations"]["runbook_url"], link.as_str());
        let heading = format!("\n## {}\n", name(alert));
        let start =
            runbook.find(&heading).unwrap_or_else(|| panic!("docs/runbook.md has no `{}`", name(alert)));
        let section = runbook[start + heading.len()..].split("\n## ").next().unwrap();
        for part in ["**Symptom:**", "**Metric:**", "**Cause:**", "**Command:**"] {
            assert!(section.contains(part), "{}: no {part}", name(alert));
        }
    }
}

#[test]
fn runbook_names_only_existing_alerts() {
    for heading in file("docs/runbook.md").lines().filter_map(|line| line.strip_prefix("## Miroir")) {
        let heading = format!("Miroir{heading}");
        assert!(alerts().iter().any(|alert| name(alert) == heading), "{heading}");
    }
}
