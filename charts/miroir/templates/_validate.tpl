{{/*
Rules between several values. Each template prints one sentence a line, which names the values in conflict and the remedy.
They are here because an error of values.schema.json names one value and cannot name a remedy. The rule that several
replicas need Redis is in the schema too, which helm lint and editors read; its sentences here appear if helm skips
the schema.
*/}}
{{- define "miroir.validate" -}}
{{- $lines := list -}}
{{- range $rules := list "instances" "scaling" "disruption" "redis" "sqlite" "nodes" "keys" "edge" "config" -}}
{{- range splitList "\n" (include (printf "miroir.validate.%s" $rules) $) -}}
{{- with trim . -}}{{- $lines = append $lines . -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if $lines -}}
{{- fail (printf "\n- %s\n" (join "\n- " $lines)) -}}
{{- end -}}
{{- end -}}

{{- define "miroir.validate.instances" -}}
{{- $backend := .Values.taskStore.backend -}}
{{- if and (ne $backend "redis") (gt (int .Values.replicas) 1) (not .Values.autoscaling.enabled) }}
replicas is {{ .Values.replicas }}, but taskStore.backend is {{ $backend }}, which is for one instance: set replicas to 1, or taskStore.backend to redis.
{{- end }}
{{- end -}}

{{- define "miroir.validate.scaling" -}}
{{- $backend := .Values.taskStore.backend -}}
{{- with .Values.autoscaling }}
{{- if .enabled }}
{{- if ne $backend "redis" }}
autoscaling.enabled is true, but taskStore.backend is {{ $backend }}, which is for one instance: set taskStore.backend to redis, or autoscaling.enabled to false.
{{- end }}
{{- if lt (int .minReplicas) 2 }}
autoscaling.enabled is true, but autoscaling.minReplicas is {{ .minReplicas }}: with fewer than 2 instances one lost pod stops the service, so set it to 2 or more.
{{- end }}
{{- if lt (int .maxReplicas) (int .minReplicas) }}
autoscaling.maxReplicas is {{ .maxReplicas }}, which is less than autoscaling.minReplicas, {{ .minReplicas }}.
{{- end }}
{{- if not (or .targetCPUUtilizationPercentage .targetMemoryUtilizationPercentage) }}
autoscaling.enabled is true, but neither autoscaling.targetCPUUtilizationPercentage nor autoscaling.targetMemoryUtilizationPercentage is set: there is no metric to scale by.
{{- end }}
{{- if and .targetCPUUtilizationPercentage (not (dig "requests" "cpu" "" $.Values.resources)) }}
autoscaling.targetCPUUtilizationPercentage is {{ .targetCPUUtilizationPercentage }}, but resources.requests.cpu is not set: a percentage refers to this request.
{{- end }}
{{- if and .targetMemoryUtilizationPercentage (not (dig "requests" "memory" "" $.Values.resources)) }}
autoscaling.targetMemoryUtilizationPercentage is {{ .targetMemoryUtilizationPercentage }}, but resources.requests.memory is not set: a percentage refers to this request.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "miroir.validate.disruption" -}}
{{- $least := include "miroir.leastInstances" . | int -}}
{{- $counted := ternary "autoscaling.minReplicas" "replicas" .Values.autoscaling.enabled -}}
{{- with .Values.podDisruptionBudget }}
{{- if .enabled }}
{{- $hasLeast := not (kindIs "invalid" .minAvailable) }}
{{- $hasMost := not (kindIs "invalid" .maxUnavailable) }}
{{- if and $hasLeast $hasMost }}
podDisruptionBudget.minAvailable is {{ .minAvailable }} and podDisruptionBudget.maxUnavailable is {{ .maxUnavailable }}: Kubernetes accepts one of the two.
{{- else if and $hasLeast (not (kindIs "string" .minAvailable)) (ge (int .minAvailable) $least) }}
podDisruptionBudget.minAvailable is {{ .minAvailable }}, but {{ $counted }} is {{ $least }}: no pod could be evicted, and draining a machine would never finish.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "miroir.validate.redis" -}}
{{- $store := .Values.taskStore -}}
{{- $secret := or .Values.auth.existingSecret $store.redis.existingSecret -}}
{{- if eq $store.backend "redis" }}
{{- if not (or .Values.redis.enabled $store.redis.url $secret) }}
taskStore.backend is redis, but redis.enabled is false and taskStore.redis.url is empty: name a server (taskStore.redis.url), a Secret that holds its URL (taskStore.redis.existingSecret or auth.existingSecret), or set redis.enabled to true.
{{- end }}
{{- else }}
{{- if .Values.redis.enabled }}
redis.enabled is true, but taskStore.backend is {{ $store.backend }}: the Redis would be unused, so set taskStore.backend to redis, or redis.enabled to false.
{{- end }}
{{- if $store.redis.url }}
taskStore.redis.url is set, but taskStore.backend is {{ $store.backend }}: the server would not be used, so set taskStore.backend to redis, or remove the URL.
{{- end }}
{{- if $store.redis.existingSecret }}
taskStore.redis.existingSecret is {{ $store.redis.existingSecret }}, but taskStore.backend is {{ $store.backend }}: the server would not be used, so set taskStore.backend to redis, or remove the Secret.
{{- end }}
{{- end }}
{{- if and .Values.redis.enabled $store.redis.url }}
redis.enabled is true, but taskStore.redis.url names another server: use one of the two.
{{- end }}
{{- if and .Values.redis.enabled $store.redis.existingSecret }}
redis.enabled is true, but taskStore.redis.existingSecret ({{ $store.redis.existingSecret }}) names another server: use one of the two.
{{- end }}
{{- if and $store.redis.url $store.redis.existingSecret }}
taskStore.redis.url is set, and so is taskStore.redis.existingSecret ({{ $store.redis.existingSecret }}): use one of the two.
{{- end }}
{{- if and $store.redis.url .Values.auth.existingSecret }}
taskStore.redis.url is set, but auth.existingSecret is {{ .Values.auth.existingSecret }}: the chart then creates no Secret, so put the URL there, under {{ .Values.auth.secretKeys.redisUrl }}.
{{- end }}
{{- if and .Values.redis.enabled (not .Values.redis.password) (not .Values.auth.existingSecret) }}
redis.enabled is true, but redis.password is empty and there is no auth.existingSecret: set a password.
{{- end }}
{{- if and .Values.redis.password .Values.auth.existingSecret }}
redis.password is set, but auth.existingSecret is {{ .Values.auth.existingSecret }}: the chart then creates no Secret, so put the password there, under {{ .Values.auth.secretKeys.redisPassword }}.
{{- end }}
{{- end -}}

{{- define "miroir.validate.sqlite" -}}
{{- if eq .Values.taskStore.backend "sqlite" }}
{{- with .Values.taskStore.sqlite.persistence }}
{{- if not .enabled }}
taskStore.sqlite.persistence.enabled is false, but taskStore.backend is sqlite: tasks would be lost with the pod, so enable it, or set taskStore.backend to memory.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "miroir.validate.nodes" -}}
{{- $copies := int .Values.cluster.replicationFactor -}}
{{- $own := .Values.meilisearch -}}
{{- if and $own.enabled .Values.nodes }}
meilisearch.enabled is true, but nodes lists {{ len .Values.nodes }} of {{ ternary "its" "their" (eq (len .Values.nodes) 1) }} own: use one of the two.
{{- else if $own.enabled }}
{{- if lt (int $own.replicas) (mul $copies (int $own.groups)) }}
meilisearch.replicas is {{ $own.replicas }}, but cluster.replicationFactor {{ $copies }} x meilisearch.groups {{ $own.groups }} needs {{ mul $copies (int $own.groups) }}: a group needs as many servers as there are copies.
{{- end }}
{{- else if not .Values.nodes }}
nodes is empty and meilisearch.enabled is false, so there is no node for documents: list your Meilisearch servers under nodes, or set meilisearch.enabled to true.
{{- else }}
{{- $groups := dict }}
{{- $ids := dict }}
{{- $urls := dict }}
{{- range .Values.nodes }}
{{- $group := default 0 .group | int | toString }}
{{- $_ := set $groups $group (add1 (get $groups $group | default 0)) }}
{{- if hasKey $ids .id }}
nodes lists {{ .id }} twice: each node needs an id of its own.
{{- end }}
{{- $_ := set $ids .id true }}
{{- $url := trimSuffix "/" .url }}
{{- if hasKey $urls $url }}
nodes lists {{ .id }} at {{ $url }}, where {{ get $urls $url }} is too: two nodes cannot share one server.
{{- end }}
{{- $_ := set $urls $url .id }}
{{- end }}
{{- range $group, $count := $groups }}
{{- if lt (int $count) $copies }}
nodes has {{ $count }} in group {{ $group }}, but cluster.replicationFactor is {{ $copies }}: a group needs as many nodes as there are copies.
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.cluster.writeQuorum }}
{{- if gt (int .) $copies }}
cluster.writeQuorum is {{ . }}, but cluster.replicationFactor is {{ $copies }}: a quorum cannot exceed the number of copies.
{{- end }}
{{- end }}
{{- end -}}

{{- define "miroir.validate.keys" -}}
{{- $auth := .Values.auth -}}
{{- if $auth.existingSecret }}
{{- range $key := list "masterKey" "adminKey" "nodeMasterKey" }}
{{- if get $auth $key }}
auth.{{ $key }} is set, but auth.existingSecret is {{ $auth.existingSecret }}: the chart then creates no Secret, so put the key there, under {{ get $auth.secretKeys $key }}.
{{- end }}
{{- end }}
{{- else if not $auth.masterKey }}
auth.masterKey is empty and so is auth.existingSecret: everyone could read and write, so set one of the two.
{{- else if and .Values.meilisearch.enabled (lt (len (default $auth.masterKey $auth.nodeMasterKey)) 16) }}
{{ ternary "auth.nodeMasterKey" "auth.masterKey" (ne $auth.nodeMasterKey "") }} is shorter than 16 bytes, but meilisearch.enabled is true: Meilisearch would not start, so choose a longer one.
{{- end }}
{{- range .Values.nodes }}
{{- if and .masterKey .masterKeySecretKey }}
nodes: {{ .id }} has a masterKey and a masterKeySecretKey: use one of the two.
{{- else if and .masterKey $auth.existingSecret }}
nodes: {{ .id }} has a masterKey, but auth.existingSecret is {{ $auth.existingSecret }}: the chart then creates no Secret, so put the key there, and name it in masterKeySecretKey.
{{- else if and .masterKeySecretKey (not $auth.existingSecret) }}
nodes: {{ .id }} has a masterKeySecretKey ({{ .masterKeySecretKey }}), but auth.existingSecret is empty: there is no Secret to read.
{{- end }}
{{- end }}
{{- end -}}

{{- define "miroir.validate.edge" -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
ingress.enabled is true, but ingress.hosts is empty: name a host, or set ingress.enabled to false.
{{- end }}
{{- if and .Values.service.nodePort (eq .Values.service.type "ClusterIP") }}
service.nodePort is {{ .Values.service.nodePort }}, but service.type is ClusterIP, which has none: set service.type to NodePort or LoadBalancer.
{{- end }}
{{- range $part := list "serviceMonitor" "prometheusRule" "dashboard" }}
{{- if and (get $.Values.metrics $part).enabled (not $.Values.metrics.enabled) }}
metrics.{{ $part }}.enabled is true, but metrics.enabled is false: there would be no metrics.
{{- end }}
{{- end }}
{{- if and .Values.metrics.enabled (eq (int .Values.metrics.port) (int .Values.containerPort)) }}
metrics.port is {{ .Values.metrics.port }}, and so is containerPort: two listeners cannot share a port.
{{- end }}
{{- end -}}

{{/* Keys that the chart sets itself. The rules above could not check another setting of them. */}}
{{- define "miroir.validate.config" -}}
{{- $owned := dict
  "server.address" "listenIP and containerPort"
  "server.shutdown_grace_ms" "shutdown.graceSeconds"
  "store.backend" "taskStore.backend"
  "store.path" "the volume of taskStore.sqlite.persistence"
  "store.redis.prefix" "taskStore.redis.prefix"
  "cluster.replication_factor" "cluster.replicationFactor"
  "cluster.write_quorum" "cluster.writeQuorum"
  "cluster.shard_count" "cluster.shardCount"
  "cluster.search_policy" "cluster.searchPolicy"
  "nodes" "nodes or meilisearch"
  "instance.id" "the name of the pod"
  "instance.url" "the address of the pod"
  "metrics.address" "metrics.port"
-}}
{{- $secret := dict
  "auth.master_key" "auth.masterKey"
  "auth.admin_key" "auth.adminKey"
  "node_defaults.master_key" "auth.nodeMasterKey"
  "store.redis.url" "taskStore.redis.url"
-}}
{{- range $path, $value := merge (dict) $owned $secret }}
{{- $found := $.Values.config }}
{{- range splitList "." $path }}
{{- $found = ternary (get (ternary $found dict (kindIs "map" $found)) .) nil (kindIs "map" $found) }}
{{- end }}
{{- if not (or (kindIs "invalid" $found) (eq (toString $found) "")) }}
{{- if hasKey $secret $path }}
config.{{ $path }} is set, but config is kept in a ConfigMap that many can read: use {{ $value }} or auth.existingSecret.
{{- else }}
config.{{ $path }} is set, but the chart sets it from {{ $value }}: remove it from config.
{{- end }}
{{- end }}
{{- end }}
{{- range $.Values.extraEnv }}
{{- $variable := .name }}
{{- range $path, $value := $owned }}
{{- if eq $variable (printf "MIROIR_%s" ($path | upper | replace "." "__")) }}
extraEnv sets {{ $variable }}, but the chart sets {{ $path }} from {{ $value }}: remove it from extraEnv.
{{- end }}
{{- end }}
{{- end }}
{{- range $position, $sink := dig "cdc" "sinks" list .Values.config }}
{{- range $key := list "secrets" "password" "token" }}
{{- if get $sink $key }}
config.cdc.sinks[{{ $position }}].{{ $key }} is set, but config is kept in a ConfigMap that many can read: set the list by extraEnv, as MIROIR_CDC__SINKS from a Secret.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
