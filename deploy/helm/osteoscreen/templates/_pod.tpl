{{/* What all pods share. */}}
{{- define "osteoscreen.labels" -}}
app.kubernetes.io/name: osteoscreen
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "osteoscreen.selector" -}}
app.kubernetes.io/name: osteoscreen
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{/* A container: root, part, parts (of serve), probe (what has to be there), image, resources */}}
{{- define "osteoscreen.container" -}}
image: "{{ .root.Values.image.repository }}:{{ .tag | default .root.Values.image.tag }}"
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
args: [serve, --only, {{ .parts | quote }}]
envFrom:
  - configMapRef: {name: {{ .root.Release.Name }}-settings}
env:
  {{- include "osteoscreen.secrets" .root | nindent 2 }}
  {{- with .env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
resources:
  {{- toYaml .resources | nindent 2 }}
startupProbe:
  exec: {command: [python, -m, daemon.health, --only, {{ .parts | quote }}]}
  periodSeconds: 10
  timeoutSeconds: 20
  failureThreshold: {{ .patience | default 30 }}
livenessProbe:
  exec: {command: [python, -m, daemon.health, --only, {{ .parts | quote }}]}
  periodSeconds: 30
  timeoutSeconds: 20
  failureThreshold: 3
readinessProbe:
  exec: {command: [python, -m, daemon.health, --ready, --only, {{ .parts | quote }}]}
  periodSeconds: 15
  timeoutSeconds: 20
volumeMounts:
  - {name: home, mountPath: /var/lib/osteoscreen}
  - {name: tmp, mountPath: /tmp}
  {{- with .mounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "osteoscreen.secrets" -}}
- name: OSTEOSCREEN_DATABASE_URL
  valueFrom: {secretKeyRef: {name: {{ .Values.secretName }}, key: database_url}}
- name: OSTEOSCREEN_BROKER_URL
  valueFrom: {secretKeyRef: {name: {{ .Values.secretName }}, key: broker_url}}
- name: OSTEOSCREEN_FILES_TOKEN
  valueFrom: {secretKeyRef: {name: {{ .Values.secretName }}, key: files_token, optional: true}}
{{- end }}

{{- define "osteoscreen.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: 40
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "osteoscreen.volumes" -}}
- name: home
  persistentVolumeClaim: {claimName: {{ .Values.home.existingClaim | default (printf "%s-home" .Release.Name) }}}
- name: tmp
  emptyDir: {sizeLimit: 1Gi}
{{- end }}
