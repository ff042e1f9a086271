//! Contradictory values are refused with one sentence that names both.

use miroir_test_chart::{ChartCopy, Values};

use super::sentence::sentences;

/// One test per line: the example, the overlay, and the sentence of the refusal.
macro_rules! refuses {
    ($($name:ident: $example:literal, $overlay:literal => $sentence:literal;)*) => {
        $(
            #[test]
            fn $name() {
                let refusal = Values::example($example).with($overlay).render().expect_err("was accepted");
                assert_eq!(sentences(&refusal), [$sentence], "helm printed: {refusal}");
            }
        )*
    };
}

refuses! {
    scaling_down_to_one: "redis", "autoscaling: {enabled: true, minReplicas: 1}" =>
        "autoscaling.enabled is true, but autoscaling.minReplicas is 1: with fewer than 2 instances one lost pod stops the service, so set it to 2 or more.";
    scaling_maximum_below_the_minimum: "redis", "autoscaling: {enabled: true, minReplicas: 4, maxReplicas: 3}" =>
        "autoscaling.maxReplicas is 3, which is less than autoscaling.minReplicas, 4.";
    scaling_without_a_target: "redis", "autoscaling: {enabled: true, targetCPUUtilizationPercentage: null}" =>
        "autoscaling.enabled is true, but neither autoscaling.targetCPUUtilizationPercentage nor autoscaling.targetMemoryUtilizationPercentage is set: there is no metric to scale by.";
    scaling_by_cpu_without_a_request: "redis", "{autoscaling: {enabled: true}, resources: {requests: {cpu: null}}}" =>
        "autoscaling.targetCPUUtilizationPercentage is 70, but resources.requests.cpu is not set: a percentage refers to this request.";
    scaling_by_memory_without_a_request: "redis", "{autoscaling: {enabled: true, targetCPUUtilizationPercentage: null, targetMemoryUtilizationPercentage: 80}, resources: {requests: {memory: null}}}" =>
        "autoscaling.targetMemoryUtilizationPercentage is 80, but resources.requests.memory is not set: a percentage refers to this request.";
    disruption_with_both_limits: "redis", "podDisruptionBudget: {minAvailable: 1, maxUnavailable: 1}" =>
        "podDisruptionBudget.minAvailable is 1 and podDisruptionBudget.maxUnavailable is 1: Kubernetes accepts one of the two.";
    disruption_that_forbids_every_drain: "redis", "podDisruptionBudget: {minAvailable: 2}" =>
        "podDisruptionBudget.minAvailable is 2, but replicas is 2: no pod could be evicted, and draining a machine would never finish.";
    disruption_that_forbids_drains_when_scaled_down: "redis", "{replicas: 9, autoscaling: {enabled: true}, podDisruptionBudget: {minAvailable: 2}}" =>
        "podDisruptionBudget.minAvailable is 2, but autoscaling.minReplicas is 2: no pod could be evicted, and draining a machine would never finish.";

    redis_without_a_server: "sqlite", "taskStore: {backend: redis}" =>
        "taskStore.backend is redis, but redis.enabled is false and taskStore.redis.url is empty: name a server (taskStore.redis.url), a Secret that holds its URL (taskStore.redis.existingSecret or auth.existingSecret), or set redis.enabled to true.";
    unused_redis: "sqlite", "redis: {enabled: true, password: p}" =>
        "redis.enabled is true, but taskStore.backend is sqlite: the Redis would be unused, so set taskStore.backend to redis, or redis.enabled to false.";
    unused_redis_url: "sqlite", "taskStore: {redis: {url: 'redis://h:1'}}" =>
        "taskStore.redis.url is set, but taskStore.backend is sqlite: the server would not be used, so set taskStore.backend to redis, or remove the URL.";
    unused_redis_secret: "sqlite", "taskStore: {redis: {existingSecret: s}}" =>
        "taskStore.redis.existingSecret is s, but taskStore.backend is sqlite: the server would not be used, so set taskStore.backend to redis, or remove the Secret.";
    redis_of_the_chart_and_a_url: "bundled", "taskStore: {redis: {url: 'redis://h:1'}}" =>
        "redis.enabled is true, but taskStore.redis.url names another server: use one of the two.";
    redis_of_the_chart_and_a_secret: "bundled", "taskStore: {redis: {existingSecret: s}}" =>
        "redis.enabled is true, but taskStore.redis.existingSecret (s) names another server: use one of the two.";
    redis_url_and_secret: "sqlite", "taskStore: {backend: redis, redis: {url: 'redis://h:1', existingSecret: s}}" =>
        "taskStore.redis.url is set, and so is taskStore.redis.existingSecret (s): use one of the two.";
    redis_url_beside_an_existing_secret: "redis", "taskStore: {redis: {url: 'redis://h:1'}}" =>
        "taskStore.redis.url is set, but auth.existingSecret is miroir-keys: the chart then creates no Secret, so put the URL there, under redis-url.";
    redis_without_a_password: "bundled", "redis: {password: ''}" =>
        "redis.enabled is true, but redis.password is empty and there is no auth.existingSecret: set a password.";
    redis_password_beside_an_existing_secret: "redis", "redis: {enabled: true, password: p}" =>
        "redis.password is set, but auth.existingSecret is miroir-keys: the chart then creates no Secret, so put the password there, under redis-password.";
    sqlite_without_a_volume: "sqlite", "taskStore: {sqlite: {persistence: {enabled: false}}}" =>
        "taskStore.sqlite.persistence.enabled is false, but taskStore.backend is sqlite: tasks would be lost with the pod, so enable it, or set taskStore.backend to memory.";

    no_nodes: "sqlite", "nodes: []" =>
        "nodes is empty and meilisearch.enabled is false, so there is no node for documents: list your Meilisearch servers under nodes, or set meilisearch.enabled to true.";
    external_nodes_and_nodes_of_the_chart: "sqlite", "meilisearch: {enabled: true}" =>
        "meilisearch.enabled is true, but nodes lists 3 of their own: use one of the two.";
    fewer_nodes_than_copies: "sqlite", "cluster: {replicationFactor: 4}" =>
        "nodes has 3 in group 0, but cluster.replicationFactor is 4: a group needs as many nodes as there are copies.";
    fewer_nodes_than_copies_in_one_group: "production", "cluster: {replicationFactor: 2}\nnodes: [{id: a, url: 'http://a'}, {id: b, url: 'http://b'}, {id: c, url: 'http://c', group: 1}]" =>
        "nodes has 1 in group 1, but cluster.replicationFactor is 2: a group needs as many nodes as there are copies.";
    fewer_servers_than_copies_times_groups: "bundled", "meilisearch: {replicas: 3}" =>
        "meilisearch.replicas is 3, but cluster.replicationFactor 2 x meilisearch.groups 2 needs 4: a group needs as many servers as there are copies.";
    node_listed_twice: "sqlite", "{cluster: {replicationFactor: 1}, nodes: [{id: a, url: 'http://a'}, {id: a, url: 'http://b'}]}" =>
        "nodes lists a twice: each node needs an id of its own.";
    server_listed_twice: "sqlite", "{cluster: {replicationFactor: 1}, nodes: [{id: a, url: 'http://h:1'}, {id: b, url: 'http://h:1/'}]}" =>
        "nodes lists b at http://h:1, where a is too: two nodes cannot share one server.";
    quorum_above_the_copies: "sqlite", "cluster: {writeQuorum: 3}" =>
        "cluster.writeQuorum is 3, but cluster.replicationFactor is 2: a quorum cannot exceed the number of copies.";

    no_key: "sqlite", "auth: {masterKey: ''}" =>
        "auth.masterKey is empty and so is auth.existingSecret: everyone could read and write, so set one of the two.";
    key_beside_an_existing_secret: "redis", "auth: {adminKey: k}" =>
        "auth.adminKey is set, but auth.existingSecret is miroir-keys: the chart then creates no Secret, so put the key there, under admin-key.";
    key_too_short_for_nodes_of_the_chart: "bundled", "auth: {masterKey: short}" =>
        "auth.masterKey is shorter than 16 bytes, but meilisearch.enabled is true: Meilisearch would not start, so choose a longer one.";
    node_key_too_short_for_nodes_of_the_chart: "bundled", "auth: {nodeMasterKey: short}" =>
        "auth.nodeMasterKey is shorter than 16 bytes, but meilisearch.enabled is true: Meilisearch would not start, so choose a longer one.";
    node_key_in_values_and_in_a_secret: "redis", "{cluster: {replicationFactor: 1}, nodes: [{id: a, url: 'http://a', masterKey: k, masterKeySecretKey: s}]}" =>
        "nodes: a has a masterKey and a masterKeySecretKey: use one of the two.";
    node_key_beside_an_existing_secret: "redis", "{cluster: {replicationFactor: 1}, nodes: [{id: a, url: 'http://a', masterKey: k}]}" =>
        "nodes: a has a masterKey, but auth.existingSecret is miroir-keys: the chart then creates no Secret, so put the key there, and name it in masterKeySecretKey.";
    node_key_without_a_secret: "sqlite", "{cluster: {replicationFactor: 1}, nodes: [{id: a, url: 'http://a', masterKeySecretKey: s}]}" =>
        "nodes: a has a masterKeySecretKey (s), but auth.existingSecret is empty: there is no Secret to read.";

    ingress_without_hosts: "sqlite", "ingress: {enabled: true}" =>
        "ingress.enabled is true, but ingress.hosts is empty: name a host, or set ingress.enabled to false.";
    node_port_of_a_cluster_ip: "sqlite", "service: {nodePort: 30700}" =>
        "service.nodePort is 30700, but service.type is ClusterIP, which has none: set service.type to NodePort or LoadBalancer.";
    service_monitor_without_metrics: "sqlite", "metrics: {enabled: false, serviceMonitor: {enabled: true}}" =>
        "metrics.serviceMonitor.enabled is true, but metrics.enabled is false: there would be no metrics.";
    rules_without_metrics: "sqlite", "metrics: {enabled: false, prometheusRule: {enabled: true}}" =>
        "metrics.prometheusRule.enabled is true, but metrics.enabled is false: there would be no metrics.";
    dashboard_without_metrics: "sqlite", "metrics: {enabled: false, dashboard: {enabled: true}}" =>
        "metrics.dashboard.enabled is true, but metrics.enabled is false: there would be no metrics.";
    one_port_for_two_listeners: "sqlite", "{containerPort: 9090}" =>
        "metrics.port is 9090, and so is containerPort: two listeners cannot share a port.";

    backend_in_config: "sqlite", "config: {store: {backend: memory}}" =>
        "config.store.backend is set, but the chart sets it from taskStore.backend: remove it from config.";
    nodes_in_config: "sqlite", "config: {nodes: [{id: a, url: 'http://a'}]}" =>
        "config.nodes is set, but the chart sets it from nodes or meilisearch: remove it from config.";
    backend_in_the_environment: "sqlite", "extraEnv: [{name: MIROIR_STORE__BACKEND, value: memory}]" =>
        "extraEnv sets MIROIR_STORE__BACKEND, but the chart sets store.backend from taskStore.backend: remove it from extraEnv.";
    key_in_config: "sqlite", "config: {auth: {master_key: a-key}}" =>
        "config.auth.master_key is set, but config is kept in a ConfigMap that many can read: use auth.masterKey or auth.existingSecret.";
    secret_of_a_sink_in_config: "sqlite", "config: {cdc: {sinks: [{name: feed, kind: internal}, {name: hook, kind: webhook, url: 'https://h', secrets: [whsec_x]}]}}" =>
        "config.cdc.sinks[1].secrets is set, but config is kept in a ConfigMap that many can read: set the list by extraEnv, as MIROIR_CDC__SINKS from a Secret.";
}

#[test]
fn defaults_name_the_required_values() {
    let refusal = Values::defaults().render().expect_err("was accepted");
    assert!(refusal.contains("- nodes is empty and meilisearch.enabled is false"), "{refusal}");
    assert!(refusal.contains("- auth.masterKey is empty and so is auth.existingSecret"), "{refusal}");
}

#[test]
fn refusal_lists_every_mistake() {
    let overlay = "{replicas: 2, autoscaling: {enabled: false}, nodes: [], taskStore: {sqlite: {persistence: {enabled: false}}}}";
    // The schema refuses these values before a template does.
    let copy = ChartCopy::without_schema().unwrap();
    let refusal = Values::example("sqlite").with(overlay).of_copy(&copy).render().expect_err("was accepted");
    assert_eq!(sentences(&refusal).len(), 3, "{refusal}");
}
