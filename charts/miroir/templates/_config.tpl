{{/* The configuration file without secrets: `config`, and the settings of the chart over it. */}}
{{- define "miroir.config" -}}
{{- $cluster := dict
  "replication_factor" (int .Values.cluster.replicationFactor)
  "shard_count" (int .Values.cluster.shardCount)
  "search_policy" .Values.cluster.searchPolicy
-}}
{{- with .Values.cluster.writeQuorum -}}
{{- $_ := set $cluster "write_quorum" (int .) -}}
{{- end -}}
{{- $store := dict "backend" .Values.taskStore.backend -}}
{{- if eq .Values.taskStore.backend "sqlite" -}}
{{- $_ := set $store "path" "/var/lib/miroir/miroir.db" -}}
{{- end -}}
{{- if eq .Values.taskStore.backend "redis" -}}
{{- $_ := set $store "redis" (dict "prefix" .Values.taskStore.redis.prefix) -}}
{{- end -}}
{{- $server := dict
  "address" (printf "%s:%d" .Values.listenIP (int .Values.containerPort))
  "shutdown_grace_ms" (mul 1000 (int .Values.shutdown.graceSeconds))
-}}
{{- $nodes := include "miroir.nodes" . | fromYaml -}}
{{- $chart := dict "server" $server "cluster" $cluster "store" $store "nodes" $nodes.nodes -}}
{{- mergeOverwrite (deepCopy .Values.config) $chart | toYaml -}}
{{- end -}}

{{/* The environment of a Miroir: secrets, and facts about the pod. */}}
{{- define "miroir.env" -}}
{{- $secret := include "miroir.secretName" . -}}
{{- $keys := .Values.auth.secretKeys -}}
- name: MIROIR_AUTH__MASTER_KEY
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: {{ $keys.masterKey }} } }
- name: MIROIR_AUTH__ADMIN_KEY
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: {{ $keys.adminKey }}, optional: true } }
- name: MIROIR_NODE_DEFAULTS__MASTER_KEY
  {{- if .Values.meilisearch.enabled }}
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: {{ include "miroir.ownNodesKey" . }} } }
  {{- else }}
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: {{ $keys.nodeMasterKey }}, optional: true } }
  {{- end }}
{{- if eq .Values.taskStore.backend "redis" }}
{{- if .Values.redis.enabled }}
- name: REDIS_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: {{ $keys.redisPassword }} } }
- name: MIROIR_STORE__REDIS__URL
  value: redis://:$(REDIS_PASSWORD)@{{ include "miroir.fullname" . }}-redis:6379/0
{{- else if .Values.taskStore.redis.existingSecret }}
- name: MIROIR_STORE__REDIS__URL
  valueFrom: { secretKeyRef: { name: {{ .Values.taskStore.redis.existingSecret }}, key: {{ .Values.taskStore.redis.existingSecretKey }} } }
{{- else }}
- name: MIROIR_STORE__REDIS__URL
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: {{ $keys.redisUrl }} } }
{{- end }}
{{- end }}
{{- if include "miroir.someNodeHasAKey" . }}
{{- /* A list is set as a whole; Kubernetes puts the keys in where `$(NODE_KEY_n)` stands. */}}
{{- $nodes := list }}
{{- range $position, $node := .Values.nodes }}
{{- $entry := dict "id" $node.id "url" $node.url "group" (int (default 0 $node.group)) }}
{{- if or $node.masterKey $node.masterKeySecretKey }}
{{- $_ := set $entry "master_key" (printf "$(NODE_KEY_%d)" $position) }}
- name: NODE_KEY_{{ $position }}
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: {{ $node.masterKeySecretKey | default (printf "node-%s" $node.id) | quote }} } }
{{- end }}
{{- $nodes = append $nodes $entry }}
{{- end }}
- name: MIROIR_NODES
  value: {{ $nodes | toJson | quote }}
{{- end }}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: POD_IP
  valueFrom: { fieldRef: { fieldPath: status.podIP } }
- name: MIROIR_INSTANCE__ID
  value: $(POD_NAME)
- name: MIROIR_INSTANCE__URL
  value: http://$(POD_IP):{{ .Values.containerPort }}
{{- if .Values.metrics.enabled }}
- name: MIROIR_METRICS__ADDRESS
  value: {{ printf "%s:%d" .Values.listenIP (int .Values.metrics.port) | quote }}
{{- end }}
{{- end -}}
