#!/usr/bin/env bash
# An NFS server in a VM: v4.2, v4.1 and v3, one export on an XFS with reflink. server.sh ADDRESS
set -euo pipefail
here=$(dirname "$(realpath "$0")")
. "$here/machine.sh"
hostname server
for module in nfsd xfs loop; do modprobe "$module"; done
network "$1"
"$here/shell.sh" &
mkdir -p /srv/export /run/rpcbind /var/lib/nfs/rpc_pipefs /var/lib/nfs/v4recovery
truncate -s 8G /tmp/disk
mkfs.xfs -q -m reflink=1 /tmp/disk
mount -o loop /tmp/disk /srv/export
mount -t nfsd nfsd /proc/fs/nfsd
mount -t rpc_pipefs rpc_pipefs /var/lib/nfs/rpc_pipefs
echo 15 >/proc/fs/nfsd/nfsv4leasetime
echo 15 >/proc/fs/nfsd/nfsv4gracetime
echo '/srv/export *(rw,sync,no_subtree_check,no_root_squash,fsid=0)' >/etc/exports
# Debian's default looks up a user's groups on the server, which knows no pod's: fsGroup would grant nothing.
mkdir -p /etc/nfs.conf.d
printf '[mountd]\nmanage-gids=n\n' >/etc/nfs.conf.d/groups.conf
rpcbind -w
rpc.statd --no-notify
exportfs -r
rpc.mountd
rpc.nfsd --tcp 8
echo 'ready'
sleep infinity
