{{- define "rapport.podMetadata" -}}
labels: {{ include "rapport.podLabels" .context | nindent 2 }}
  app.kubernetes.io/component: {{ .component }}
{{- with .context.Values.podAnnotations }}
annotations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "rapport.claim" -}}
metadata: {name: data}
spec:
  accessModes: [ReadWriteOnce]
  {{- with .storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources: {requests: {storage: {{ .size }}}}
{{- end }}

{{- /* One at a time; one that is not ready does not keep a node from being drained. */}}
{{- define "rapport.disruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "rapport.fullname" .context }}-{{ .component }}
  labels: {{ include "rapport.labels" .context | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{ include "rapport.selector" .context | nindent 6 }}
      app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- /* Who is called from outside: `rapport serve` in the pilot, otherwise the gateway. */}}
{{- define "rapport.gatewayPorts" -}}
- {name: http, containerPort: 8080}
- {name: grpc, containerPort: 9090}
- {name: metrics, containerPort: 9464}
- {name: health, containerPort: 8081}
{{- end }}

{{- define "rapport.preStop" -}}
lifecycle:
  preStop: {sleep: {seconds: {{ include "rapport.preStopSeconds" . }}}}
{{- end }}
