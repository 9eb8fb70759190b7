#!/usr/bin/env bash
# Brings the bed up: two independent NFS servers (nas, nas2), two nodes (a, b) and a place for the
# controller (c), on one network. The guest's bed.ts does the rest.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
. "$here/host.sh"

for module in bridge veth loop dm-mod xfs ext4 nfsd nfsv3 nfsv4; do modprobe "$module"; done
# Locks of every NFS version wait for lockd's grace period as well, which is 50 s otherwise.
printf 15 >/sys/module/lockd/parameters/nlm_grace_period
# Files that a host replaces by a bind mount of its own must exist.
touch /etc/nfs.conf /etc/exports
make_network
make_host nas 10.9.0.1
make_host nas2 10.9.0.101
make_host a 10.9.0.2
make_host b 10.9.0.3
make_host c 10.9.0.4
introduce_hosts nas nas2 a b c

starting=()
for server in nas nas2; do
  inside "$server" "$here/server.sh" up &
  starting+=($!)
done
for node in a b c; do
  inside "$node" "$here/client.sh" &
  starting+=($!)
done
for pid in "${starting[@]}"; do wait "$pid"; done
