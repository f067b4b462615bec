{{- define "rapport.fullname" -}}
{{- if contains "rapport" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-rapport" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "rapport.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{ include "rapport.selector" . }}
{{- end }}

{{- /* Of pods: nothing that a new chart alone changes, so that it restarts nobody. */}}
{{- define "rapport.podLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{ include "rapport.selector" . }}
{{- end }}

{{- define "rapport.selector" -}}
app.kubernetes.io/name: rapport
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "rapport.image" -}}
{{- $image := .Values.image }}
{{- if $image.digest }}{{ $image.repository }}@{{ $image.digest }}
{{- else }}{{ $image.repository }}:{{ default .Chart.AppVersion $image.tag }}{{ end }}
{{- end }}

{{- /* What contradicts itself or is missing, with the way out; single values are the schema's. */}}
{{- define "rapport.check" -}}
{{- $v := .Values }}
{{- if and (not $v.embedded.enabled) (not $v.kafka.bootstrap) }}
{{- fail "kafka.bootstrap is empty: name the brokers, host:port,host:port, or say embedded.enabled=true for one pod without Kafka" }}
{{- end }}
{{- if and $v.embedded.enabled $v.kafka.bootstrap }}
{{- fail "embedded.enabled and kafka.bootstrap are both set: the events are either in the pod's volume or on Kafka; rapportctl log copy moves them" }}
{{- end }}
{{- if and (not $v.tls.secret) (not $v.allowUnauthenticated) }}
{{- fail "nobody would be authenticated: name a certificate with tls.secret, or say allowUnauthenticated=true" }}
{{- end }}
{{- if and $v.tls.secret $v.allowUnauthenticated }}
{{- fail "tls.secret and allowUnauthenticated are both set: with tls.secret callers show certificates; take one away" }}
{{- end }}
{{- with $v.gateway.autoscaling }}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) }}
{{- fail "gateway.autoscaling.minReplicas is above maxReplicas" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rapport.secretName" -}}
{{- .Values.secret | default (printf "%s-secret" (include "rapport.fullname" .)) }}
{{- end }}

{{- define "rapport.gatewayUrl" -}}
{{- ternary "https" "http" (ne .Values.tls.secret "") }}://{{ include "rapport.fullname" . }}-gateway:8080
{{- end }}

{{- /* Flags of whoever speaks to Kafka. */}}
{{- define "rapport.kafkaArgs" -}}
- --kafka={{ .Values.kafka.bootstrap }}
{{- with .Values.kafka.topicPrefix }}
- --kafka-topic-prefix={{ . }}
{{- end }}
{{- if .Values.kafka.settingsSecret }}
- --kafka-settings=/etc/rapport/kafka/settings
{{- end }}
- --partitions={{ .Values.partitions }}
{{- end }}

{{- /* Flags of every server. */}}
{{- define "rapport.args" -}}
{{- $v := .Values }}
{{- if $v.embedded.enabled }}
- --partitions={{ $v.partitions }}
{{- else }}
{{- include "rapport.kafkaArgs" . }}
- --kafka-session-ms={{ $v.kafka.sessionMs }}
- --secret-file=/etc/rapport/secret/secret
{{- end }}
- --grpc={{ $v.listen }}:9090
- --metrics={{ $v.listen }}:9464
- --health={{ $v.listen }}:8081
- --drain-seconds={{ $v.drainSeconds }}
{{- if $v.tls.secret }}
- --tls-certificate=/etc/rapport/tls/tls.crt
- --tls-key=/etc/rapport/tls/tls.key
- --tls-client-ca=/etc/rapport/tls/ca.crt
{{- with $v.tls.instances }}
- --tls-instances={{ join "," . }}
{{- end }}
{{- else }}
- --allow-unauthenticated
{{- end }}
{{- if $v.logCalls }}
- --log-calls
{{- end }}
{{- end }}

{{- /* Where secrets are as files; never in the environment, which is logged and inherited. */}}
{{- define "rapport.secretMounts" -}}
{{- if not .Values.embedded.enabled }}
- {name: secret, mountPath: /etc/rapport/secret, readOnly: true}
{{- include "rapport.kafkaMount" . }}
{{- end }}
{{- if .Values.tls.secret }}
- {name: tls, mountPath: /etc/rapport/tls, readOnly: true}
{{- end }}
{{- end }}

{{- define "rapport.secretVolumes" -}}
{{- if not .Values.embedded.enabled }}
- name: secret
  secret: {secretName: {{ include "rapport.secretName" . }}, defaultMode: 0440}
{{- include "rapport.kafkaVolume" . }}
{{- end }}
{{- include "rapport.tlsVolume" . }}
{{- end }}

{{- define "rapport.kafkaMount" -}}
{{- if .Values.kafka.settingsSecret }}
- {name: kafka, mountPath: /etc/rapport/kafka, readOnly: true}
{{- end }}
{{- end }}

{{- define "rapport.kafkaVolume" -}}
{{- with .Values.kafka.settingsSecret }}
- name: kafka
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- end }}

{{- define "rapport.tlsVolume" -}}
{{- with .Values.tls.secret }}
- name: tls
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- end }}

{{- /* Of every pod: what `restricted` asks, no rights at the API, and no variables of other Services. */}}
{{- define "rapport.podSecurity" -}}
serviceAccountName: {{ include "rapport.fullname" . }}
{{- include "rapport.podBasics" . }}
{{- end }}

{{- define "rapport.podBasics" }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- define "rapport.container" -}}
image: {{ include "rapport.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- /* /healthz answers before the projections are caught up with the log, however long that takes, and
       fails where what decides and applies stands still; /readyz says whether calls are answered. */}}
{{- define "rapport.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: health}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /healthz, port: health}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /readyz, port: health}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 3
{{- end }}

{{- /* Until nobody sends new calls: the cluster hears of a pod's end while the pod does. */}}
{{- define "rapport.preStopSeconds" -}}5{{- end }}

{{- /* Waiting, hand-over (10 s at most), calls in flight, and closing (3 s for each Kafka handle). */}}
{{- define "rapport.graceSeconds" -}}
{{- add (int (include "rapport.preStopSeconds" .)) 10 (int .Values.drainSeconds) 15 }}
{{- end }}

{{- /* spread <component>: over zones, and over nodes, as far as there are any. */}}
{{- define "rapport.spread" -}}
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- maxSkew: 1
  topologyKey: {{ . }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels: {{ include "rapport.selector" $.context | nindent 6 }}
      app.kubernetes.io/component: {{ $.component }}
{{- end }}
{{- end }}
