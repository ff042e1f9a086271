//! Pods: permissions, volumes, probes and termination.

use miroir_test_chart::{CASES, Container, Object, Rendered, case};
use serde_json::{Value, json};

fn miroir(rendered: &Rendered) -> (&Object, Container) {
    let deployment = rendered.of_kind("Deployment")[0];
    (deployment, deployment.containers().remove(0))
}

#[test]
fn containers_have_no_unnecessary_permissions() {
    for case in CASES {
        let rendered = case.values().rendered();
        for (object, (_, pod)) in rendered.iter().filter_map(|object| Some((object, object.pod()?))) {
            let title = format!("{}: {}", case.name, object.title());
            assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{title}");
            assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{title}");
            assert!(pod["securityContext"]["runAsUser"].as_u64().is_some_and(|user| user > 0), "{title}");
            assert_eq!(pod["automountServiceAccountToken"], false, "{title}");
            assert_eq!(pod["enableServiceLinks"], false, "{title}");
        }
        for container in rendered.iter().flat_map(Object::containers) {
            let may = &container.value["securityContext"];
            let title = format!("{}: {}", case.name, container.title);
            assert_eq!(may["allowPrivilegeEscalation"], false, "{title}");
            assert_eq!(may["readOnlyRootFilesystem"], true, "{title}");
            assert_eq!(may["capabilities"]["drop"], json!(["ALL"]), "{title}");
            assert!(container.value["resources"]["limits"]["memory"].is_string(), "{title}");
        }
    }
}

#[test]
fn mounted_volumes_exist() {
    for case in CASES {
        let rendered = case.values().rendered();
        for (object, (_, pod)) in rendered.iter().filter_map(|object| Some((object, object.pod()?))) {
            let title = format!("{}: {}", case.name, object.title());
            let volumes = pod["volumes"].as_array().cloned().unwrap_or_default();
            let claimed = object.at("/spec/volumeClaimTemplates").as_array().cloned().unwrap_or_default();
            let names: Vec<Value> = volumes
                .iter()
                .map(|volume| volume["name"].clone())
                .chain(claimed.iter().map(|claim| claim["metadata"]["name"].clone()))
                .collect();
            for mount in object.containers().iter().flat_map(|container| container.list("volumeMounts")) {
                assert!(names.contains(&mount["name"]), "{title}: {mount}");
            }
            for volume in &volumes {
                if let Some(name) = volume["configMap"]["name"].as_str() {
                    assert!(rendered.find("ConfigMap", name).is_some(), "{title}: {volume}");
                }
                if let Some(name) = volume["persistentVolumeClaim"]["claimName"].as_str() {
                    assert!(rendered.find("PersistentVolumeClaim", name).is_some(), "{title}: {volume}");
                }
            }
        }
        // There is a claim if and only if tasks are in a file.
        let (_, container) = miroir(&rendered);
        let stored =
            container.list("volumeMounts").iter().any(|mount| mount["mountPath"] == "/var/lib/miroir");
        assert_eq!(rendered.of_kind("PersistentVolumeClaim").len(), usize::from(stored), "{}", case.name);
    }
}

#[test]
fn volume_of_the_store_is_retained_by_default() {
    let kept = case("sqlite").values().rendered();
    let claim = kept.get("PersistentVolumeClaim", "shop-miroir-store");
    assert_eq!(claim.text("/metadata/annotations/helm.sh~1resource-policy"), "keep");
    assert!(claim.at("/spec/storageClassName").is_null(), "the default class");
    let set = "taskStore: {sqlite: {persistence: {retain: false, storageClass: ''}}}";
    let gone = case("sqlite").values().with(set).rendered();
    let claim = gone.get("PersistentVolumeClaim", "shop-miroir-store");
    assert!(claim.at("/metadata/annotations").is_null());
    assert_eq!(*claim.at("/spec/storageClassName"), "", "no class at all");
    let own = "taskStore: {sqlite: {persistence: {existingClaim: mine}}}";
    let own = case("sqlite").values().with(own).rendered();
    assert!(own.of_kind("PersistentVolumeClaim").is_empty());
    let volumes = own.of_kind("Deployment")[0].at("/spec/template/spec/volumes").to_string();
    assert!(volumes.contains(r#"{"claimName":"mine"}"#), "{volumes}");
}

#[test]
fn probes_use_keyless_routes_on_the_port_of_clients() {
    for case in CASES {
        let rendered = case.values().rendered();
        let (_, container) = miroir(&rendered);
        for (probe, path) in
            [("startupProbe", "/health"), ("livenessProbe", "/health"), ("readinessProbe", "/_miroir/ready")]
        {
            let expected = json!({ "path": path, "port": "http" });
            assert_eq!(container.value[probe]["httpGet"], expected, "{}: {probe}", case.name);
        }
        let ports = container.list("ports");
        assert_eq!(ports[0]["name"], "http", "{}", case.name);
    }
}

#[test]
fn grace_period_of_the_pod_exceeds_that_of_miroir() {
    for (name, seconds) in [("redis", 35), ("everything_set", 115)] {
        for (kubernetes, delays) in [("1.29", false), ("1.30", true)] {
            let rendered = case(name).values().kubernetes(kubernetes).rendered();
            let (deployment, container) = miroir(&rendered);
            assert_eq!(
                *deployment.at("/spec/template/spec/terminationGracePeriodSeconds"),
                seconds,
                "{name}"
            );
            let file = rendered.get("ConfigMap", deployment.name()).text("/data/miroir.yaml");
            let config: Value = serde_norway::from_str(file).unwrap();
            let grace = config["server"]["shutdown_grace_ms"].as_u64().unwrap() / 1000;
            let sleep = container.value["lifecycle"]["preStop"]["sleep"]["seconds"].as_u64();
            assert_eq!(sleep.is_some(), delays, "{name} on {kubernetes}");
            assert!(
                seconds > grace + sleep.unwrap_or(0),
                "{name}: {seconds} s for {grace} s and {sleep:?} s"
            );
        }
    }
}

#[test]
fn change_of_configuration_or_keys_replaces_the_pods() {
    let annotations = |overlay: &str| {
        let rendered = case("sqlite").values().with(overlay).rendered();
        rendered.of_kind("Deployment")[0].at("/spec/template/metadata/annotations").clone()
    };
    let before = annotations("{}");
    assert_eq!(before, annotations("{}"), "the same values make the same pods");
    let configured = annotations("config: {log: {level: debug}}");
    assert_ne!(before["checksum/config"], configured["checksum/config"]);
    assert_eq!(before["checksum/secret"], configured["checksum/secret"]);
    let keyed = annotations("auth: {masterKey: another-key-of-clients}");
    assert_ne!(before["checksum/secret"], keyed["checksum/secret"]);
}

#[test]
fn pods_are_spread_by_default() {
    let rendered = case("redis").values().rendered();
    let (deployment, _) = miroir(&rendered);
    let pod = deployment.at("/spec/template/spec");
    let own = deployment.at("/spec/selector/matchLabels");
    let apart = &pod["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"][0];
    assert_eq!(apart["podAffinityTerm"]["labelSelector"]["matchLabels"], *own);
    assert_eq!(pod["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"], *own);
    let shown = case("everything_set").values().rendered();
    let pod = miroir(&shown).0.at("/spec/template/spec").clone();
    assert!(pod["affinity"]["podAntiAffinity"].is_null() && pod["affinity"]["nodeAffinity"].is_object());
    assert_eq!(pod["topologySpreadConstraints"].as_array().unwrap().len(), 1);
    assert_eq!(pod["topologySpreadConstraints"][0]["maxSkew"], 2);
    assert_eq!(pod["priorityClassName"], "high");
    assert_eq!(pod["tolerations"][0]["key"], "search");
}

#[test]
fn image_is_named_by_tag_or_digest() {
    let image = |name: &str| miroir(&case(name).values().rendered()).1.value["image"].clone();
    assert_eq!(image("sqlite"), "miroir:0.1.0");
    let digest = "miroir@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    assert_eq!(image("everything_set"), digest);
}

#[test]
fn redis_of_the_chart_persists_writes_and_evicts_no_keys() {
    let rendered = case("bundled").values().rendered();
    let redis = rendered.get("StatefulSet", "shop-miroir-redis");
    let container = &redis.containers()[0];
    let words: Vec<String> =
        container.list("args").iter().map(|word| word.as_str().unwrap().to_owned()).collect();
    let line = words.join(" ");
    for part in ["--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction", "--dir /data"] {
        assert!(line.contains(part), "`{part}` is not in `{line}`");
    }
    assert_eq!(container.list("volumeMounts")[0]["mountPath"], "/data");
    assert_eq!(*redis.at("/spec/replicas"), 1);
}

#[test]
fn servers_of_the_chart_keep_everything_on_their_volume() {
    let rendered = case("bundled").values().rendered();
    let servers = rendered.get("StatefulSet", "shop-miroir-meilisearch");
    let container = &servers.containers()[0];
    assert_eq!(container.value["image"], "getmeili/meilisearch:v1.50.0");
    for variable in ["MEILI_DB_PATH", "MEILI_DUMP_DIR", "MEILI_SNAPSHOT_DIR"] {
        let value = container.variable(variable).unwrap_or_else(|| panic!("no {variable}"));
        assert!(value["value"].as_str().unwrap().starts_with("/meili_data/"), "{value}");
    }
    assert_eq!(*servers.at("/spec/replicas"), 4);
}
