{{- /* Names and labels */ -}}

{{- define "berth.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "berth.selector" -}}
app.kubernetes.io/name: berth
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "berth.labels" -}}
{{ include "berth.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "berth.image" -}}
{{ .Values.image.repository }}
{{- with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end -}}

{{- /* The node plugin's folder below kubelet's, the same path inside and outside of the container. */ -}}
{{- define "berth.pluginDir" -}}
{{ .Values.kubeletDir }}/plugins/{{ .Values.driverName }}
{{- end -}}

{{- /* Where the controller's ports are served: kubelet reaches a pod's own network at its address only. */ -}}
{{- define "berth.controllerAddress" -}}
{{- if .Values.controller.hostNetwork }}{{ .Values.metrics.address }}{{ end -}}
{{- end -}}

{{- /* An httpGet's host, where it is not the pod's address. */ -}}
{{- define "berth.probeHost" -}}
{{- if not (has . (list "" "0.0.0.0" "[::]")) -}}
host: {{ trimAll "[]" . | quote }}
{{- end -}}
{{- end -}}

{{- /* Before Kubernetes 1.30 the AppArmor profile of a container is an annotation. */ -}}
{{- define "berth.appArmorIsField" -}}
{{- if semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version }}true{{ end -}}
{{- end -}}

{{- define "berth.replicas" -}}
{{- if .Values.singleNode -}}
{{- if not (has (toString .Values.controller.replicas) (list "auto" "<nil>" "1")) -}}
{{- fail "\n\nsingleNode runs Berth on one node, and controller.replicas is more than 1: leave it at auto" -}}
{{- end -}}
1
{{- else if not (has (toString .Values.controller.replicas) (list "auto" "<nil>")) -}}
{{- .Values.controller.replicas -}}
{{- else if eq (len ((lookup "v1" "Node" "" "").items | default list)) 1 -}}
1
{{- else -}}
2
{{- end -}}
{{- end -}}

{{- define "berth.nodeSelector" -}}
{{- $selector := dict "kubernetes.io/os" "linux" -}}
{{- with (index . 0).Values.singleNode }}{{ $_ := set $selector "kubernetes.io/hostname" . }}{{ end -}}
{{- merge (deepCopy (index . 1 | default dict)) $selector | toYaml -}}
{{- end -}}

{{- /* Whether the cluster takes snapshots, and groups of them. */ -}}
{{- define "berth.snapshots" -}}
{{- $enabled := toString .Values.snapshots.enabled -}}
{{- if and .Values.perNode (eq $enabled "true") -}}
{{- fail "\n\nsnapshots.enabled is true, and with perNode there are none: leave it at auto" -}}
{{- end -}}
{{- if and (not .Values.perNode) (or (eq $enabled "true") (and (eq $enabled "auto") (.Capabilities.APIVersions.Has "snapshot.storage.k8s.io/v1"))) }}true{{ end -}}
{{- end -}}

{{- define "berth.groupSnapshots" -}}
{{- $groups := toString .Values.snapshots.groups -}}
{{- if and (include "berth.snapshots" .) (or (eq $groups "true") (and (eq $groups "auto") (.Capabilities.APIVersions.Has "groupsnapshot.storage.k8s.io/v1"))) }}true{{ end -}}
{{- end -}}

{{- /* The sidecars of the controller, as a list in JSON. */ -}}
{{- define "berth.controllerSidecars" -}}
{{- .Values.perNode | default false | ternary (list "provisioner" "resizer") (concat (list "provisioner" "attacher" "resizer") (include "berth.snapshots" . | empty | ternary list (list "snapshotter"))) | toJson -}}
{{- end -}}

{{- /* Of the sidecars: root, since the driver's socket is for root alone, and nothing that root has beside that. */ -}}
{{- define "berth.sidecarSecurityContext" -}}
runAsUser: 0
runAsGroup: 0
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- /* A sidecar that calls the Controller service, given as (root, its name here, its own flags). One elects a leader among
those of the other pods, but for the provisioner where every node has a controller: there each makes its node's volumes. */ -}}
{{- define "berth.controllerSidecar" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}{{- $flags := index . 2 -}}
{{- $all := $root.Values.sidecars -}}{{- $own := index $all $name -}}
{{- $perNode := $root.Values.perNode | default false -}}
{{- $elects := not (and $perNode (eq $name "provisioner")) -}}
{{- $address := $perNode | ternary $root.Values.metrics.address (include "berth.controllerAddress" $root) -}}
{{- $port := index $root.Values.ports $name -}}
- name: {{ $name }}
  image: {{ $own.image }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  args:
    - --csi-address=/csi/csi.sock
    {{- if $elects }}
    - --leader-election
    - --leader-election-namespace={{ $root.Release.Namespace }}
    - --feature-gates=ReleaseLeaderElectionOnExit=true
    {{- end }}
    - --http-endpoint={{ $address }}:{{ $port }}
    - --kube-api-qps={{ $all.kubeApi.qps }}
    - --kube-api-burst={{ $all.kubeApi.burst }}
    - --timeout={{ $all.timeout }}
    - --retry-interval-start={{ $all.retryInterval.start }}
    - --retry-interval-max={{ $all.retryInterval.max }}
    {{- range concat $flags $own.extraArgs }}
    - {{ . }}
    {{- end }}
    - --v={{ $all.logLevel }}
  {{- if not $elects }}
  env:
    {{- range $variable, $field := dict "NODE_NAME" "spec.nodeName" "NAMESPACE" "metadata.namespace" "POD_NAME" "metadata.name" }}
    - name: {{ $variable }}
      valueFrom:
        fieldRef:
          fieldPath: {{ $field }}
    {{- end }}
  {{- end }}
  ports:
    - name: {{ $name }}
      containerPort: {{ $port }}
  startupProbe:
    httpGet: &{{ $name }}Health
      {{- with include "berth.probeHost" $address }}
      {{ . }}
      {{- end }}
      path: {{ $elects | ternary "/healthz/leader-election" "/metrics" }}
      port: {{ $name }}
    periodSeconds: 5
    timeoutSeconds: 5
    failureThreshold: 60
  livenessProbe:
    httpGet: *{{ $name }}Health
    periodSeconds: 20
    timeoutSeconds: 10
    failureThreshold: 6
  securityContext: {{- include "berth.sidecarSecurityContext" $root | nindent 4 }}
  resources: {{- toYaml $own.resources | nindent 4 }}
  volumeMounts:
    - name: {{ $perNode | ternary "plugin" "socket" }}
      mountPath: /csi
    - name: api-access
      mountPath: /var/run/secrets/kubernetes.io/serviceaccount
      readOnly: true
{{- end -}}

{{- /* The service account's token, as kubelet would mount it, for the sidecars alone: Berth needs none. */ -}}
{{- define "berth.apiAccess" -}}
- name: api-access
  projected:
    sources:
      - serviceAccountToken:
          path: token
          expirationSeconds: 3607
      - configMap:
          name: kube-root-ca.crt
          items:
            - {key: ca.crt, path: ca.crt}
      - downwardAPI:
          items:
            - path: namespace
              fieldRef:
                fieldPath: metadata.namespace
{{- end -}}

{{- /* The livenessprobe sidecar, given as (root, address, port's name, port, volume of the socket, its mount path). */ -}}
{{- define "berth.livenessProbeSidecar" -}}
{{- $root := index . 0 -}}{{- $own := $root.Values.sidecars.livenessProbe -}}
- name: liveness-probe
  image: {{ $own.image }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  args:
    - --csi-address={{ index . 5 }}/csi.sock
    - --http-endpoint={{ index . 1 }}:{{ index . 3 }}
    {{- range $own.extraArgs }}
    - {{ . }}
    {{- end }}
    - --v={{ $root.Values.sidecars.logLevel }}
  ports:
    - name: {{ index . 2 }}
      containerPort: {{ index . 3 }}
  securityContext: {{- include "berth.sidecarSecurityContext" $root | nindent 4 }}
  resources: {{- toYaml $own.resources | nindent 4 }}
  volumeMounts:
    - name: {{ index . 4 }}
      mountPath: {{ index . 5 }}
{{- end -}}

{{- /* Berth's own probes, given as (address, port for liveness: another container's has to be a number). Ready is who has reached a pool since the start
and, on a node, is registered: a config that cannot work stops its rollout, a server that dies later stops nothing. */ -}}
{{- define "berth.probes" -}}
{{- /* A busy machine may need a minute to start it: to be ended meanwhile would not make it faster. */}}
startupProbe:
  httpGet: &health
    {{- with include "berth.probeHost" (index . 0) }}
    {{ . }}
    {{- end }}
    path: /healthz
    port: {{ index . 1 }}
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 150
{{- /* Two minutes without an answer: a machine that is merely busy is not helped by a restart, and forgets the driver meanwhile. */}}
livenessProbe:
  httpGet: *health
  periodSeconds: 20
  timeoutSeconds: 10
  failureThreshold: 6
readinessProbe:
  httpGet:
    {{- with include "berth.probeHost" (index . 0) }}
    {{ . }}
    {{- end }}
    path: /readyz
    port: http
  periodSeconds: 5
  timeoutSeconds: 5
{{- end -}}

{{- /* Whether node-driver-registrar registers the node plugin: kubelets before 1.29 call with an authority that Node refuses. */ -}}
{{- define "berth.registrar" -}}
{{- $enabled := .Values.sidecars.registrar.enabled | toString -}}
{{- if or (eq $enabled "true") (and (eq $enabled "auto") (semverCompare "<1.29.0-0" .Capabilities.KubeVersion.Version)) }}true{{ end -}}
{{- end -}}
