#!/usr/bin/env bash
# Process 1 of the VM: runs the one command the host asked for, sends its output and its exit status
# to the host through two virtio serial ports, and switches the machine off.
# The command comes base64-encoded on the kernel command line: berth.command=...
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
word() { sed -n "s/.*berth\.$1=\([^ ]*\).*/\1/p" /proc/cmdline; }
checkout=$(word checkout)
modprobe virtio_console
port() { grep -lx "berth.$1" /sys/class/virtio-ports/*/name | sed 's,^/sys/class/virtio-ports,/dev,; s,/name$,,'; }
# The console belongs to the kernel; the ports may need a moment to appear.
until [[ -e $(port output) && -e $(port exit) ]]; do sleep 0.05; done
output=$(port output) exit=$(port exit)
exec >"$output" 2>&1 </dev/null
ip link set lo up
cd "$checkout" || exit
# Not exec: process 1 must stay to reap and to report. A command of its own session survives no longer than it.
setsid bash -c "$(word command | base64 -d)"
echo $? >"$exit"
sync "$output" "$exit" 2>/dev/null
echo o >/proc/sysrq-trigger
sleep 60
