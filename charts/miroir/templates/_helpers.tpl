{{- define "miroir.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough for suffixes such as `-meilisearch-0`. */}}
{{- define "miroir.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "miroir.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Labels of every object. Takes (list . "component"). */}}
{{- define "miroir.labels" -}}
{{- $root := index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
{{ include "miroir.selector" . }}
{{- end -}}

{{/* Selector of the pods of one component, which never changes. Takes (list . "component"). */}}
{{- define "miroir.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "miroir.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "miroir.image" -}}
{{- $tag := index . 1 -}}
{{- with index . 0 -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "miroir.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "miroir.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "miroir.secretName" -}}
{{- default (include "miroir.fullname" .) .Values.auth.existingSecret -}}
{{- end -}}

{{- define "miroir.claimName" -}}
{{- default (printf "%s-store" (include "miroir.fullname" .)) .Values.taskStore.sqlite.persistence.existingClaim -}}
{{- end -}}

{{/* The minimum number of instances. */}}
{{- define "miroir.leastInstances" -}}
{{- if .Values.autoscaling.enabled -}}
{{- .Values.autoscaling.minReplicas | int -}}
{{- else -}}
{{- .Values.replicas | int -}}
{{- end -}}
{{- end -}}

{{/* The nodes of the configuration without keys: YAML of `nodes: [...]`. */}}
{{- define "miroir.nodes" -}}
{{- $nodes := list -}}
{{- if .Values.meilisearch.enabled -}}
{{- $host := printf "%s-meilisearch" (include "miroir.fullname" .) -}}
{{- range $number := until (int .Values.meilisearch.replicas) -}}
{{- $url := printf "http://%s-%d.%s.%s.svc.%s:7700" $host $number $host $.Release.Namespace $.Values.clusterDomain -}}
{{- $group := mod $number (int $.Values.meilisearch.groups) -}}
{{- $nodes = append $nodes (dict "id" (printf "meilisearch-%d" $number) "url" $url "group" $group) -}}
{{- end -}}
{{- else -}}
{{- range .Values.nodes -}}
{{- $nodes = append $nodes (dict "id" .id "url" .url "group" (int (default 0 .group))) -}}
{{- end -}}
{{- end -}}
{{- dict "nodes" $nodes | toYaml -}}
{{- end -}}

{{/* "true" if a node has its own key: then the list is in the environment, which can read Secrets. */}}
{{- define "miroir.someNodeHasAKey" -}}
{{- range .Values.nodes -}}
{{- if or .masterKey .masterKeySecretKey -}}true{{- end -}}
{{- end -}}
{{- end -}}

{{/* The key of the Secret with the master key of the Meilisearch servers of the chart. */}}
{{- define "miroir.ownNodesKey" -}}
{{- ternary .Values.auth.secretKeys.nodeMasterKey .Values.auth.secretKeys.masterKey (ne .Values.auth.nodeMasterKey "") -}}
{{- end -}}

{{/* Annotations of pods that read the Secret of the chart at their start. */}}
{{- define "miroir.secretChecksum" -}}
{{- if not .Values.auth.existingSecret -}}
annotations:
  checksum/secret: {{ include (print .Template.BasePath "/secret.yaml") . | sha256sum }}
{{- end -}}
{{- end -}}
