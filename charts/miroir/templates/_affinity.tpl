{{/* The affinity in the values, else a preference for different machines. Takes (list . "component" affinity). */}}
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
