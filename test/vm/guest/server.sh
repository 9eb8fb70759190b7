#!/usr/bin/env bash
# A kernel NFS server in the namespaces it is run in: server.sh up|start|stop|rebuild [FSTYPE]|squash|unsquash|spoil FILE|mend
# NFSv4.2, v4.1 and v3 (so rpcbind, mountd, statd and lockd), one export, / for every version,
# on an XFS, of nas with reflink. Lease and grace period are 15 s instead of 90.
set -euo pipefail

up() {
  local name
  name=$(hostname)
  # All of these are per server: two of them share one root filesystem.
  mount -t tmpfs tmpfs /run
  mount -t tmpfs tmpfs /var/lib/nfs
  mkdir -p /run/rpcbind /run/rpc_pipefs /var/lib/nfs/{rpc_pipefs,v4recovery,nfsdcld,sm,sm.bak} /srv/export
  touch /var/lib/nfs/{etab,rmtab,state}
  chown -R statd /var/lib/nfs/{sm,sm.bak,state} 2>/dev/null || true

  truncate -s 3G "/tmp/$name.disk"
  # The second server cannot clone files, as many cannot.
  mkfs.xfs -q -m "reflink=$([[ $name == nas2 ]] && echo 0 || echo 1)" "/tmp/$name.disk"
  losetup --find --show "/tmp/$name.disk" >"/tmp/$name.device"
  # Through the device mapper, which can make blocks unreadable.
  table whole | dmsetup --noudevsync create "$name"
  mount "/dev/dm-$(dmsetup info --columns --noheadings --options minor "$name")" /srv/export
  chmod 0777 /srv/export

  # The server's own root is the export, so a client names it / in every version, with or without a pseudo root.
  printf '[exports]\nrootdir=/srv/export\n' >/run/nfs.conf
  list_exports no_root_squash
  mount --bind /run/nfs.conf /etc/nfs.conf
  mount --bind /run/exports /etc/exports

  mount -t nfsd nfsd /proc/fs/nfsd
  mount -t rpc_pipefs rpc_pipefs /var/lib/nfs/rpc_pipefs
  echo 15 >/proc/fs/nfsd/nfsv4leasetime
  echo 15 >/proc/fs/nfsd/nfsv4gracetime
  rpcbind -w
  # Remembers the clients across a restart; the kernel's own way does not work in a network namespace.
  nfsdcld
  rpc.statd --no-notify
  exportfs -r
  rpc.mountd
  start
}

# The disk's table for dmsetup: all of it can be read, or not the eight kilobytes from this sector on.
table() {
  local device sectors bad=$1
  device=$(<"/tmp/$(hostname).device")
  sectors=$(blockdev --getsz "$device")
  if [[ $bad == whole ]]; then
    echo "0 $sectors linear $device 0"
  else
    echo "0 $bad linear $device 0"
    echo "$bad 16 error"
    echo "$((bad + 16)) $((sectors - bad - 16)) linear $device $((bad + 16))"
  fi
}

retable() {
  table "$1" | dmsetup reload "$(hostname)"
  dmsetup suspend "$(hostname)"
  dmsetup --noudevsync resume "$(hostname)"
  # What was read before is not to be read from memory.
  echo 3 >/proc/sys/vm/drop_caches
}

# The first blocks of the file cannot be read any more.
spoil() {
  local first
  first=$(filefrag -v -b512 "$1" | tr '.:' '  ' | awk '$1 == "0" && NF >= 6 { print $4; exit }')
  retable "$first"
}

mend() { retable whole; }

# In place: /etc/exports is a bind of this file.
list_exports() { printf '/ *(rw,sync,no_subtree_check,%s,fsid=0)\n' "$1" >/run/exports; }

squash() {
  list_exports root_squash
  exportfs -r
  exportfs -f
}

unsquash() {
  list_exports no_root_squash
  exportfs -r
  exportfs -f
}

start() { rpc.nfsd --tcp 8; }
stop() { rpc.nfsd 0; }

# As after a restore onto new disks: the same export, but every file handle that a client holds is stale.
# XFS can clone files, ext4 cannot.
rebuild() {
  local disk type=${1:-xfs}
  disk=/tmp/$(hostname).rebuilt.disk
  stop
  # Lazily: the kernel's cache of exports still holds the old file system for a while.
  umount -l /srv/export
  rm -f "$disk"
  truncate -s 3G "$disk"
  if [[ $type == ext4 ]]; then mkfs.ext4 -q "$disk"; else mkfs.xfs -q -m reflink=1 "$disk"; fi
  mount -o loop "$disk" /srv/export
  chmod 0777 /srv/export
  # mountd looks at the export from a root directory that it opened when it started (exports.man, rootdir).
  pkill --ns $$ --nslist mnt -x rpc.mountd
  exportfs -r
  exportfs -f
  rpc.mountd
  start
}

"$@"
