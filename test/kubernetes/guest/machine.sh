# What every machine of the cluster needs; to be sourced. The kernel's command line has the rest.
exec 2>&1
word() { sed -n "s/.*berth\.$1=\([^ ]*\).*/\1/p" /proc/cmdline; }

# network ADDRESS
network() {
  local card
  modprobe virtio_net
  until card=$(ls /sys/class/net | grep -m 1 -E '^(eth|en)'); do sleep 0.05; done
  ip link set lo up
  ip address add "$1/24" dev "$card"
  ip link set "$card" up
  # Services have addresses of their own, which are looked up in the routes before kube-proxy changes them.
  ip route add default via 10.9.0.1
}
