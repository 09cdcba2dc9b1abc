{{/* The name that everything of this release starts with. Call: include "dormouse.name" . */}}
{{- define "dormouse.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The labels that never change. Call: include "dormouse.selector" (list . "gateway") */}}
{{- define "dormouse.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* All labels. Call: include "dormouse.labels" (list . "gateway") */}}
{{- define "dormouse.labels" -}}
{{- $root := index . 0 -}}
{{ include "dormouse.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name ($root.Chart.Version | replace "+" "_") }}
{{- end -}}

{{/* A full image reference. Call: include "dormouse.image" (list . .Values.gateway.image.repository) */}}
{{- define "dormouse.image" -}}
{{- $root := index . 0 -}}
{{- printf "%s/%s:%s" $root.Values.image.registry (index . 1) ($root.Values.image.tag | default $root.Chart.AppVersion) -}}
{{- end -}}

{{/* What the pods of both halves have in common. Call: include "dormouse.pod" (list . .Values.gateway) */}}
{{- define "dormouse.pod" -}}
{{- $root := index . 0 -}}
{{- $half := index . 1 -}}
terminationGracePeriodSeconds: {{ $half.terminationGracePeriodSeconds }}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
{{ toYaml . }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  seccompProfile: {type: RuntimeDefault}
{{- with $half.nodeSelector }}
nodeSelector:
{{ toYaml . | indent 2 }}
{{- end }}
{{- with $half.tolerations }}
tolerations:
{{ toYaml . }}
{{- end }}
{{- with $half.affinity }}
affinity:
{{ toYaml . | indent 2 }}
{{- end }}
{{- end -}}

{{/* What the containers of both halves have in common. Call: include "dormouse.container" (list . .Values.gateway "/livez") */}}
{{- define "dormouse.container" -}}
{{- $root := index . 0 -}}
{{- $half := index . 1 -}}
image: {{ include "dormouse.image" (list $root $half.image.repository) }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
env:
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: POD_UID
  valueFrom: {fieldRef: {fieldPath: metadata.uid}}
# Memory up to the limit is there to be used: a heap that is collected as seldom as it allows costs no more per request with 100,000 keys than with one.
- name: GOGC
  value: "400"
- name: GOMEMLIMIT
  valueFrom: {resourceFieldRef: {resource: limits.memory}}
{{- with $half.env }}
{{ toYaml . }}
{{- end }}
livenessProbe:
  httpGet: {path: {{ index . 2 }}, port: admin}
  periodSeconds: 10
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: admin}
  periodSeconds: 2
  failureThreshold: 2
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
resources:
{{ toYaml $half.resources | indent 2 }}
{{- end -}}
