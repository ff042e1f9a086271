//! Objects for the Prometheus operator and Grafana. Kubernetes has no schemas of their kinds, so the shapes
//! are checked here.

use miroir_test_chart::{case, chart};
use serde_json::{Value, json};

#[test]
fn service_monitor_selects_the_service_of_metrics_and_a_port_it_has() {
    for name in ["production", "everything_set"] {
        let rendered = case(name).values().rendered();
        let monitor = rendered.of_kind("ServiceMonitor")[0];
        assert_eq!(monitor.text("/apiVersion"), "monitoring.coreos.com/v1");
        let wanted = monitor.at("/spec/selector/matchLabels").as_object().unwrap();
        let services: Vec<_> = rendered
            .of_kind("Service")
            .into_iter()
            .filter(|service| {
                wanted.iter().all(|(label, value)| service.at("/metadata/labels")[label] == *value)
            })
            .collect();
        assert_eq!(services.len(), 1, "{name}: {services:?}");
        assert_eq!(services[0].at("/spec/ports/0/name"), monitor.at("/spec/endpoints/0/port"), "{name}");
        assert_eq!(monitor.text("/spec/endpoints/0/path"), "/metrics");
        assert_eq!(*monitor.at("/spec/namespaceSelector/matchNames"), json!(["search"]));
        let known = ["port", "path", "interval", "scrapeTimeout", "relabelings", "metricRelabelings"];
        let endpoint = monitor.at("/spec/endpoints/0").as_object().unwrap();
        assert!(endpoint.keys().all(|key| known.contains(&key.as_str())), "{name}: {endpoint:?}");
    }
    let labels =
        case("production").values().rendered().of_kind("ServiceMonitor")[0].at("/metadata/labels").clone();
    assert_eq!(labels["release"], "prometheus");
}

#[test]
fn prometheus_rule_equals_the_file_of_alerts() {
    let rendered = case("production").values().rendered();
    let rule = rendered.of_kind("PrometheusRule")[0];
    assert_eq!(rule.text("/apiVersion"), "monitoring.coreos.com/v1");
    let file = std::fs::read_to_string(chart().join("files/alerts.yaml")).unwrap();
    let file: Value = serde_norway::from_str(&file).unwrap();
    assert_eq!(*rule.at("/spec"), file);
    for group in file["groups"].as_array().expect("a list of groups") {
        assert!(group["name"].is_string(), "{group}");
        for alert in group["rules"].as_array().expect("a list of rules") {
            let named = alert["alert"].is_string() || alert["record"].is_string();
            assert!(named && alert["expr"].is_string(), "{alert}");
        }
    }
}

#[test]
fn dashboard_is_a_config_map_with_the_label_of_grafana() {
    let rendered = case("everything_set").values().rendered();
    let found: Vec<_> =
        rendered.of_kind("ConfigMap").into_iter().filter(|map| map.name().ends_with("-dashboard")).collect();
    let Ok(file) = std::fs::read_to_string(chart().join("files/dashboard.json")) else {
        assert!(found.is_empty(), "a dashboard without a file");
        return;
    };
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].text("/metadata/labels/grafana_dashboard"), "1");
    assert_eq!(found[0].text("/metadata/labels/folder"), "search");
    assert_eq!(found[0].text("/data/miroir.json"), file);
}
