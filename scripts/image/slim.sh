#!/bin/sh
# Leaves of a Debian the packages that the driver runs, the libraries that their programs load, and a shell.
# What installs, configures or documents packages goes, and what only a dependency's other half needs (Python, ICU).
set -eu
here=$(dirname -- "$0")
# A package that has only data is nobody's library: libtirpc-common has the netconfig of libtirpc.
kept="$(cat "$here/packages") base-files base-passwd coreutils dash grep libc-bin libtirpc-common sed"

# Programs of kept packages that need what goes: ICU for a scrubber of names, Python for its scheduler.
rm -f /usr/sbin/xfs_scrub /usr/sbin/xfs_scrub_all
# Daemons of the NFS client are the node's (docs/limitations.md). mount.nfs would else start rpc.statd here, and the locks
# of running pods would lose it with this container.
rm -f /usr/sbin/start-statd /usr/sbin/rpc.* /usr/sbin/sm-notify /usr/sbin/blkmapd /sbin/start-statd /sbin/rpc.* /sbin/sm-notify

# The files that these packages' programs load.
libraries() {
  # shellcheck disable=SC2086 # the names are words of their own
  dpkg --listfiles $kept | sort -u | while read -r file; do
    [ -f "$file" ] && ldd "$file" 2>/dev/null || true
  done | sed -n 's/^[[:space:]]*\([^ ]* => \)\{0,1\}\(\/[^ ]*\) (0x.*/\2/p' | sort -u
}
# By their last part: a merged /usr has two names for each.
owners() { libraries | sed 's/.*\//*\//' | xargs dpkg --search 2>/dev/null | sed 's/: .*//; s/:[a-z0-9]*$//' | sort -u; }

wanted=$(printf '%s\n' $kept $(owners) | sort -u)
unwanted=$(dpkg-query --show --showformat='${Package}\n' | sort -u | grep --invert-match --line-regexp --fixed-strings "$wanted")

# The licences stay, also where a package has them in another one's folder.
cd /usr/share/doc
for name in $wanted; do
  [ -L "$name" ] || continue
  cp --recursive --dereference "$name" "$name.own"
  rm "$name"
  mv "$name.own" "$name"
done

# Nothing is installed any more after this, so what packages do when they are removed does not matter.
rm -f /var/lib/dpkg/info/*.prerm /var/lib/dpkg/info/*.postrm
# dpkg last: it removes itself, and leaves the list of what is installed to those who look for known faults.
for package in $(echo "$unwanted" | grep --invert-match --line-regexp dpkg) dpkg; do
  dpkg --purge --force-all "$package" >/dev/null 2>&1
done

for name in *; do
  [ -e "$name/copyright" ] || rm -rf "$name"
done
cd /usr/share
rm -rf bash-completion bug info lintian locale man menu perl python3 zoneinfo 2>/dev/null || true
rm -rf /etc/apt /etc/dpkg /etc/perl /etc/python3* /usr/lib/*/gconv /usr/lib/*/perl* /usr/lib/python3* \
  /var/cache/* /var/lib/apt /var/lib/dpkg/info /var/lib/dpkg/*-old /var/lib/systemd /var/log/* /var/backups/*
