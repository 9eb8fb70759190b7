#!/usr/bin/env bash
# Makes an NFS client of the namespaces it is run in: NFSv3 locks need rpcbind and statd on the client too,
# with state of its own, since all hosts share one root filesystem.
set -euo pipefail
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib/nfs
mkdir -p /run/rpcbind /run/rpc_pipefs /var/lib/nfs/{sm,sm.bak}
chown -R statd /var/lib/nfs/{sm,sm.bak} 2>/dev/null || true
rpcbind -w
rpc.statd --no-notify
