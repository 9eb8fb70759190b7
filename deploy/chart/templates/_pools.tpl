{{- /* The driver's config, as YAML. Fails where the values name no pool, or pools that cannot work. */ -}}
{{- define "berth.config" -}}
{{- $pools := dict -}}
{{- range $name, $pool := .Values.pools -}}
{{- if $pool -}}{{- $_ := set $pools $name $pool -}}{{- end -}}
{{- end -}}
{{- with .Values.nfs -}}
{{- if or .server .path -}}
{{- if not .server -}}{{- fail "\n\nnfs.path is set and nfs.server is not: set both, as in --set nfs.server=10.0.0.5 --set nfs.path=/export/k8s" -}}{{- end -}}
{{- if not .path -}}{{- fail "\n\nnfs.server is set and nfs.path is not: set both, as in --set nfs.server=10.0.0.5 --set nfs.path=/export/k8s" -}}{{- end -}}
{{- if hasKey $pools "nas" -}}{{- fail "\n\nnfs.server and nfs.path make the pool `nas`, and pools.nas is set too: keep one of them" -}}{{- end -}}
{{- $_ := set $pools "nas" (dict "nfs" (dict "server" .server "path" .path "mountOptions" .mountOptions)) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.perNode .Values.singleNode -}}
{{- fail "\n\nperNode runs Berth on every node, and singleNode on one: set one of them" -}}
{{- end -}}
{{- if not $pools -}}
{{- fail "\n\nBerth needs to know where your storage is: set the NFS server and the exported path, as in --set nfs.server=10.0.0.5 --set nfs.path=/export/k8s (or name pools under `pools`)" -}}
{{- end -}}
{{- range $name, $pool := $pools -}}
{{- if and $pool.local (not $.Values.singleNode) (not $.Values.perNode) -}}
{{- fail (printf "\n\nThe pool `%s` is local, a directory of one machine, and Berth would run on several: set singleNode to the name of the node that has it (Berth then runs on that node alone), or perNode=true where every node is to have volumes of its own there, or use an NFS pool" $name) -}}
{{- end -}}
{{- if and $pool.nfs $.Values.perNode -}}
{{- fail (printf "\n\nThe pool `%s` is a share, and with perNode each node has pools of its own: install Berth for the share in another release, with another driverName" $name) -}}
{{- end -}}
{{- end -}}
{{- $config := dict "pools" $pools -}}
{{- with .Values.devices }}{{ $_ := set $config "devices" . }}{{ end -}}
{{- $config | toYaml -}}
{{- end -}}

{{- /* The pool of a StorageClass, given as (root, name of the class, class). */ -}}
{{- define "berth.poolOf" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}{{- $class := index . 2 -}}
{{- $pools := (include "berth.config" $root | fromYaml).pools -}}
{{- $names := keys $pools | sortAlpha -}}
{{- if and $class.parameters (hasKey $class.parameters "pool") -}}
{{- fail (printf "\n\nstorageClasses.%s.parameters.pool: write the pool to storageClasses.%s.pool" $name $name) -}}
{{- end -}}
{{- if $class.pool -}}
{{- if not (hasKey $pools $class.pool) -}}
{{- fail (printf "\n\nstorageClasses.%s.pool is `%s`, and there is no such pool: expected one of %s" $name $class.pool (join ", " $names)) -}}
{{- end -}}
{{- $class.pool -}}
{{- else if eq (len $names) 1 -}}
{{- first $names -}}
{{- else if ($root.Values.nfs).server -}}
nas
{{- else -}}
{{- fail (printf "\n\nstorageClasses.%s names no pool, and there are several: set storageClasses.%s.pool to one of %s" $name $name (join ", " $names)) -}}
{{- end -}}
{{- end -}}

{{- /* The directories of `local` pools, as a JSON list. */ -}}
{{- define "berth.localPaths" -}}
{{- $paths := list -}}
{{- range $name, $pool := (include "berth.config" . | fromYaml).pools -}}
{{- if $pool.local -}}{{- $paths = append $paths (dict "name" (printf "pool-%s" $name) "path" $pool.local.path) -}}{{- end -}}
{{- end -}}
{{- $paths | toJson -}}
{{- end -}}

{{- /* Whether there is an NFS pool, and so something to mount. */ -}}
{{- define "berth.hasNfs" -}}
{{- $has := false -}}
{{- range (include "berth.config" . | fromYaml).pools -}}{{- if .nfs -}}{{- $has = true -}}{{- end -}}{{- end -}}
{{- $has -}}
{{- end -}}
