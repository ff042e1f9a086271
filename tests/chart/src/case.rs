//! Values of the chart that tests of all rules use.

use crate::Values;

/// Values that the chart must accept.
#[derive(Debug)]
pub struct Case {
    /// Name in failures.
    pub name: &'static str,
    example: &'static str,
    overlay: &'static str,
}

impl Case {
    /// Returns the values.
    pub fn values(&self) -> Values {
        Values::example(self.example).with(self.overlay)
    }
}

/// Returns the case of this name.
///
/// # Panics
///
/// Panics if there is no such case.
pub fn case(name: &str) -> &'static Case {
    CASES.iter().find(|case| case.name == name).unwrap_or_else(|| panic!("there is no case {name}"))
}

/// The documented topologies, and further settings.
pub const CASES: &[Case] = &[
    Case { name: "sqlite", example: "sqlite", overlay: "{}" },
    Case { name: "redis", example: "redis", overlay: "{}" },
    Case { name: "production", example: "production", overlay: "{}" },
    Case { name: "bundled", example: "bundled", overlay: "{}" },
    Case { name: "memory", example: "sqlite", overlay: "taskStore: {backend: memory}" },
    Case { name: "no_metrics", example: "bundled", overlay: "metrics: {enabled: false}" },
    Case {
        name: "own_nodes_key",
        example: "bundled",
        overlay: "auth: {nodeMasterKey: another-key-for-the-nodes}",
    },
    Case {
        name: "bundled_with_an_existing_secret",
        example: "bundled",
        overlay: "{auth: {masterKey: '', adminKey: '', existingSecret: keys}, redis: {password: ''}}",
    },
    Case {
        name: "redis_by_url",
        example: "sqlite",
        overlay: "{replicas: 3, taskStore: {backend: redis, redis: {url: 'rediss://u:p@r.example.com:6380/1', prefix: films}}}",
    },
    Case {
        name: "redis_by_secret",
        example: "sqlite",
        overlay: "{replicas: 2, taskStore: {backend: redis, redis: {existingSecret: redis, existingSecretKey: url}}}",
    },
    Case {
        name: "keys_of_nodes",
        example: "sqlite",
        overlay: "{cluster: {writeQuorum: 1}, nodes: [{id: a, url: 'http://a:7700', masterKey: the-key-of-a}, {id: b, url: 'http://b'}, \
                  {id: c, url: 'http://c:7701/', group: 1}, {id: d, url: 'http://d:1', group: 1, masterKey: the-key-of-d}]}",
    },
    Case { name: "everything_set", example: "sqlite", overlay: EVERYTHING },
];

/// Every value that only adds something.
const EVERYTHING: &str = "
image: {digest: 'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', pullPolicy: Always}
imagePullSecrets: [{name: registry}]
nameOverride: mirror
clusterDomain: k8s.example.com
containerPort: 8800
auth: {nodeMasterKey: another-key-for-the-nodes, secretKeys: {masterKey: client.key}}
taskStore:
  sqlite:
    persistence: {storageClass: fast, existingClaim: '', annotations: {backup: nightly}, accessModes: [ReadWriteOncePod]}
config:
  server: {max_body_bytes: 104857600}
  log: {level: 'info,miroir=debug'}
  canary: {enabled: false}
  cdc: {sinks: [{name: feed, kind: internal}]}
shutdown: {delaySeconds: 15, graceSeconds: 90}
service: {type: LoadBalancer, port: 80, nodePort: 30700, annotations: {lb: internal}, loadBalancerSourceRanges: [10.0.0.0/8]}
ingress:
  enabled: true
  annotations: {a: b}
  hosts: [{host: a.example.com}, {host: b.example.com, paths: [{path: /search, pathType: Exact}]}]
serviceAccount: {name: robot, annotations: {role: none}}
networkPolicy: {enabled: true, extraEgress: [{ports: [{port: 443, protocol: TCP}]}]}
metrics:
  port: 9191
  serviceMonitor:
    enabled: true
    labels: {team: search}
    relabelings: [{action: labeldrop, regex: endpoint}]
    metricRelabelings: [{action: drop, sourceLabels: [__name__], regex: go_.*}]
  prometheusRule: {enabled: true}
  dashboard: {enabled: true, labels: {folder: search}}
podAnnotations: {a: b}
podLabels: {team: search}
nodeSelector: {disk: fast}
tolerations: [{key: search, operator: Exists}]
affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: zone, operator: Exists}]}]}}}
topologySpreadConstraints: [{maxSkew: 2, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {a: b}}}]
priorityClassName: high
extraEnv: [{name: RUST_LOG, value: debug}, {name: MIROIR_CDC__SOURCE, valueFrom: {secretKeyRef: {name: more, key: source}}}]
extraVolumes: [{name: certificates, secret: {secretName: certificates}}]
extraVolumeMounts: [{name: certificates, mountPath: /certificates, readOnly: true}]
";
