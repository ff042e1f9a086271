{{/* What the operator says, else: pods of one component keep away from each other where they can. */}}
{{- define "miroir.affinity" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- with index . 2 -}}
{{- toYaml . -}}
{{- else -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels: {{- include "miroir.selector" (list $root $component) | nindent 12 }}
{{- end -}}
{{- end -}}
