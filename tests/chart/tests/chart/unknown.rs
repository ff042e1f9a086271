//! The schema refuses unknown keys and values of the wrong kind, and names the key.

use miroir_test_chart::Values;

/// One test per line: the overlay on the smallest example, and a part of the refusal.
macro_rules! refuses {
    ($($name:ident: $overlay:literal => $part:literal;)*) => {
        $(
            #[test]
            fn $name() {
                let refusal = Values::example("sqlite").with($overlay).render().expect_err("was accepted");
                assert!(refusal.contains($part), "`{}` is not in: {refusal}", $part);
            }
        )*
    };
}

refuses! {
    unknown_key: "replica: 2" => "Additional property replica is not allowed";
    unknown_key_in_a_section: "taskStore: {backnd: redis}" => "taskStore: Additional property backnd is not allowed";
    unknown_key_in_a_nested_section: "metrics: {serviceMonitor: {enable: true}}" => "metrics.serviceMonitor: Additional property enable is not allowed";
    unknown_key_of_a_node: "nodes: [{id: a, url: 'http://a', key: x}]" => "nodes.0: Additional property key is not allowed";
    unknown_backend: "taskStore: {backend: postgres}" => "taskStore.backend must be one of the following: \"sqlite\", \"redis\", \"memory\"";
    no_replicas: "replicas: 0" => "replicas: Must be greater than or equal to 1";
    replicas_in_words: "replicas: two" => "replicas: Invalid type. Expected: integer";
    node_over_https: "nodes: [{id: a, url: 'https://a'}]" => "nodes.0.url: Does not match pattern";
    node_without_a_url: "nodes: [{id: a}]" => "nodes.0: url is required";
    node_key_with_a_quotation_mark: "nodes: [{id: a, url: 'http://a', masterKey: 'a\"b'}]" => "nodes.0.masterKey: Does not match pattern";
    redis_by_another_scheme: "taskStore: {redis: {url: 'http://r'}}" => "taskStore.redis.url: Does not match pattern";
    redis_password_with_an_at_sign: "redis: {password: 'a@b'}" => "redis.password: Does not match pattern";
    privileged_port: "containerPort: 80" => "containerPort: Must be greater than or equal to 1024";
    volume_for_many_writers: "taskStore: {sqlite: {persistence: {accessModes: [ReadWriteMany]}}}" => "must be one of the following: \"ReadWriteOnce\", \"ReadWriteOncePod\"";
}
