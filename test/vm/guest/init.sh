#!/bin/busybox sh
# First program of the VM, from the initramfs: puts a memory overlay above the build machine's root
# filesystem (shared read-only by virtiofs), then hands over to the checkout's boot.sh.
# The kernel command line names the checkout: berth.checkout=/path
b=/bin/busybox
die() { $b echo "vm: $1" >/dev/console; $b poweroff -f; }

$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
while read -r module; do $b insmod "/modules/$module" 2>/dev/null; done </modules/order
checkout=$($b sed -n 's/.*berth\.checkout=\([^ ]*\).*/\1/p' /proc/cmdline)

$b mkdir -p /lower /upper /root
$b mount -t virtiofs -o ro machine /lower || die "cannot mount the machine's root filesystem"
$b mount -t tmpfs -o size=75% tmpfs /upper
$b mkdir /upper/data /upper/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work overlay /root ||
  die "cannot lay the overlay"

$b mkdir /checkout
$b mount --bind "/root$checkout" /checkout || die "no checkout at $checkout"
for dir in tmp run; do $b mount -t tmpfs -o mode=1777 tmpfs "/root/$dir"; done
# A clone under /tmp or /run has just been hidden by those two.
if [ ! -e "/root$checkout/package.json" ]; then
  $b mkdir -p "/root$checkout"
  $b mount --bind /checkout "/root$checkout"
fi
$b umount /checkout

$b mount -t proc proc /root/proc
$b mount -t sysfs sys /root/sys
$b mount -t devtmpfs dev /root/dev
$b mkdir -p /root/dev/pts /root/dev/shm
$b mount -t devpts devpts /root/dev/pts
$b mount -t tmpfs tmpfs /root/dev/shm
exec $b switch_root /root /bin/bash "$checkout/test/vm/guest/boot.sh"
