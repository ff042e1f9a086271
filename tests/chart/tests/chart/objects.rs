//! References between objects: selectors, ports and names.

use miroir_test_chart::{CASES, Object, Rendered, case};
use serde_json::{Value, json};

/// Runs `check` on the objects of every case. A failure names the case.
fn in_every_case(check: impl Fn(&str, &Rendered)) {
    for case in CASES {
        check(case.name, &case.values().rendered());
    }
}

/// Returns the names and numbers of the ports of the pods of `object`.
fn ports(object: &Object) -> Vec<(String, u64)> {
    let containers = object.containers();
    let ports = containers.iter().flat_map(|container| container.list("ports"));
    ports
        .map(|port| (port["name"].as_str().unwrap().to_owned(), port["containerPort"].as_u64().unwrap()))
        .collect()
}

/// Returns whether the pods of `object` have a port of a service or policy, by name or number.
fn has_port(object: &Object, port: &Value) -> bool {
    ports(object).iter().any(|(name, number)| *port == **name || *port == *number)
}

#[test]
fn workloads_select_their_own_pods_and_no_others() {
    in_every_case(|case, rendered| {
        for kind in ["Deployment", "StatefulSet"] {
            for workload in rendered.of_kind(kind) {
                let found = rendered.selected(workload.at("/spec/selector/matchLabels"));
                let found: Vec<String> = found.into_iter().map(Object::title).collect();
                assert_eq!(found, [workload.title()], "{case}");
            }
        }
    });
}

#[test]
fn services_refer_to_one_workload_and_to_existing_ports() {
    in_every_case(|case, rendered| {
        let services = rendered.of_kind("Service");
        assert!(services.len() >= 2, "{case}: {:?}", rendered.titles());
        for service in services {
            let found = rendered.selected(service.at("/spec/selector"));
            assert_eq!(found.len(), 1, "{case}: {} selects {found:?}", service.title());
            for port in service.at("/spec/ports").as_array().unwrap() {
                assert!(has_port(found[0], &port["targetPort"]), "{case}: {}: {port}", service.title());
            }
        }
    });
}

#[test]
fn there_is_a_service_for_clients_one_for_single_pods_and_one_for_metrics() {
    in_every_case(|case, rendered| {
        let main = rendered.of_kind("Deployment")[0].name().to_owned();
        let metrics = case != "no_metrics";
        for (name, port, headless) in [
            (main.clone(), Some("http"), false),
            (format!("{main}-headless"), Some("http"), true),
            (format!("{main}-metrics"), metrics.then_some("metrics"), true),
        ] {
            let service = rendered.find("Service", &name);
            assert_eq!(service.map(|service| service.text("/spec/ports/0/name")), port, "{case}: {name}");
            if let Some(service) = service {
                assert_eq!(service.at("/spec/clusterIP") == "None", headless, "{case}: {name}");
            }
        }
    });
}

#[test]
fn budgets_and_policies_refer_to_existing_pods_and_ports() {
    in_every_case(|case, rendered| {
        for budget in rendered.of_kind("PodDisruptionBudget") {
            let found = rendered.selected(budget.at("/spec/selector/matchLabels"));
            assert_eq!(found.len(), 1, "{case}: {}", budget.title());
        }
        for policy in rendered.of_kind("NetworkPolicy") {
            let found = rendered.selected(policy.at("/spec/podSelector/matchLabels"));
            assert_eq!(found.len(), 1, "{case}: {}", policy.title());
            for rule in policy.at("/spec/ingress").as_array().unwrap() {
                for port in rule["ports"].as_array().unwrap() {
                    assert!(has_port(found[0], &port["port"]), "{case}: {}: {port}", policy.title());
                }
            }
            let peers = ["/spec/ingress", "/spec/egress"].map(|list| policy.at(list).as_array().cloned());
            for rule in peers.into_iter().flatten().flatten() {
                for peer in
                    ["from", "to"].iter().flat_map(|side| rule[*side].as_array().cloned().unwrap_or_default())
                {
                    if let Some(labels) = peer.pointer("/podSelector/matchLabels") {
                        assert_eq!(rendered.selected(labels).len(), 1, "{case}: {}: {peer}", policy.title());
                    }
                }
            }
        }
    });
}

#[test]
fn budget_allows_one_eviction_by_default() {
    let spec = |overlay: &str| {
        let rendered = case("redis").values().with(&format!("podDisruptionBudget: {overlay}")).rendered();
        let budget = rendered.find("PodDisruptionBudget", "shop-miroir").cloned();
        budget.map(|budget| {
            (budget.at("/spec/minAvailable").clone(), budget.at("/spec/maxUnavailable").clone())
        })
    };
    assert_eq!(spec("{}"), Some((Value::Null, json!(1))));
    assert_eq!(spec("{minAvailable: 1}"), Some((json!(1), Value::Null)));
    assert_eq!(spec("{maxUnavailable: '50%'}"), Some((Value::Null, json!("50%"))));
    assert_eq!(spec("{enabled: false}"), None);
}

#[test]
fn policy_lets_miroir_reach_nodes_store_instances_and_dns() {
    for (name, wanted) in [
        ("production", vec![53, 7700, 7700, 6379]),
        ("bundled", vec![53, 7700, 7700, 6379]),
        ("everything_set", vec![53, 8800, 7700, 443]),
    ] {
        let rendered = case(name).values().rendered();
        let main = rendered.of_kind("Deployment")[0].name().to_owned();
        let policy = rendered.get("NetworkPolicy", &main);
        let rules = policy.at("/spec/egress").as_array().unwrap();
        let found: Vec<u64> = rules.iter().map(|rule| rule["ports"][0]["port"].as_u64().unwrap()).collect();
        assert_eq!(found, wanted, "{name}");
    }
    let overlay = "{networkPolicy: {enabled: true}, taskStore: {backend: redis}, \
                   nodes: [{id: a, url: 'http://a:7701'}, {id: b, url: 'http://b'}, {id: c, url: 'http://c:7701'}]}";
    let rendered = case("redis").values().with(overlay).rendered();
    let rule = rendered.get("NetworkPolicy", "shop-miroir").at("/spec/egress/2").clone();
    let ports = json!([{ "port": 7701, "protocol": "TCP" }, { "port": 80, "protocol": "TCP" }]);
    assert_eq!(rule["ports"], ports, "ports of nodes, each once");
}

#[test]
fn policy_admits_only_listed_clients() {
    let rendered = case("production").values().rendered();
    let policy = rendered.get("NetworkPolicy", "shop-miroir");
    let from = policy.at("/spec/ingress/0/from").as_array().unwrap();
    assert_eq!(from.len(), 4, "two namespaces, the siblings, the test: {from:?}");
    assert!(policy.at("/spec/ingress/1/from").as_array().is_some_and(|from| from.len() == 1));
    let open = case("bundled").values().rendered();
    assert!(open.get("NetworkPolicy", "shop-miroir").at("/spec/ingress/0/from").is_null());
    for closed in ["shop-miroir-redis", "shop-miroir-meilisearch"] {
        let from = open.get("NetworkPolicy", closed).at("/spec/ingress/0/from").as_array().unwrap().len();
        assert_eq!(from, 1, "{closed} is for Miroir alone");
    }
}

#[test]
fn autoscaled_deployment_sets_no_replicas() {
    let rendered = case("production").values().rendered();
    let scaler = rendered.get("HorizontalPodAutoscaler", "shop-miroir");
    let target = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "shop-miroir" });
    assert_eq!(*scaler.at("/spec/scaleTargetRef"), target);
    let deployment = rendered.get("Deployment", "shop-miroir");
    assert!(deployment.at("/spec/replicas").is_null(), "each upgrade would undo what was scaled");
    let fixed = case("redis").values().rendered();
    assert_eq!(*fixed.get("Deployment", "shop-miroir").at("/spec/replicas"), 2);
}

#[test]
fn update_is_rolling_on_redis_and_recreates_pods_elsewhere() {
    in_every_case(|case, rendered| {
        let deployment = rendered.of_kind("Deployment")[0];
        let on_redis = deployment.containers()[0].variable("MIROIR_STORE__REDIS__URL").is_some();
        let strategy = deployment.text("/spec/strategy/type");
        assert_eq!(strategy, if on_redis { "RollingUpdate" } else { "Recreate" }, "{case}");
        if !on_redis {
            assert_eq!(*deployment.at("/spec/replicas"), 1, "{case}");
        }
    });
}

#[test]
fn ingress_leads_to_the_service_of_clients() {
    let rendered = case("everything_set").values().rendered();
    let ingress = rendered.of_kind("Ingress")[0];
    let rules = ingress.at("/spec/rules").as_array().unwrap();
    assert_eq!(rules.len(), 2);
    for rule in rules {
        let backend = &rule["http"]["paths"][0]["backend"]["service"];
        let service = rendered.get("Service", backend["name"].as_str().unwrap());
        assert_eq!(*service.at("/spec/ports/0/name"), backend["port"]["name"]);
    }
    assert_eq!(rules[0]["http"]["paths"][0]["path"], "/", "everything, unless a path is named");
    assert_eq!(rules[1]["http"]["paths"][0]["pathType"], "Exact");
}

#[test]
fn names_are_short_enough_for_the_longest_release_name() {
    let long = "a-release-with-the-longest-name-that-helm-would-accept";
    let rendered = case("bundled").values().release(&long[..53]).rendered();
    for object in rendered.iter() {
        // A StatefulSet appends a number to the name, and its pods carry a hash of ten letters and the name
        // as a label.
        assert!(object.name().len() <= 52, "{} is {} long", object.title(), object.name().len());
    }
}

#[test]
fn names_do_not_repeat_a_release_called_miroir() {
    let rendered = case("sqlite").values().release("miroir").rendered();
    assert_eq!(rendered.of_kind("Deployment")[0].name(), "miroir");
}

#[test]
fn test_hook_checks_readiness_through_the_service_of_clients() {
    in_every_case(|case, rendered| {
        let pod = rendered.of_kind("Pod")[0];
        assert_eq!(pod.text("/metadata/annotations/helm.sh~1hook"), "test", "{case}");
        let service = rendered.of_kind("Deployment")[0].name();
        let port = rendered.get("Service", service).at("/spec/ports/0/port");
        let url = format!("http://{service}:{port}");
        assert_eq!(pod.containers()[0].value["args"], json!(["health", "--ready", "--url", url]), "{case}");
    });
}
