#!/usr/bin/env bash
# A Kubernetes node in a VM: containerd, kubelet, kube-proxy. node.sh NAME ADDRESS KUBECONFIG PROXY_KUBECONFIG BIN...
# containerd's images are already on the disk /dev/vda, unpacked.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
. "$here/machine.sh"
name=$1 address=$2 kubeconfig=$3 proxy_kubeconfig=$4
shift 4
for bin in "$@"; do PATH=$bin:$PATH; done
export PATH HOME=/root
hostname "$name"
for module in virtio_blk ext4 overlay veth bridge br_netfilter nf_tables nft_compat nft_chain_nat nf_conntrack \
  xt_conntrack xt_MASQUERADE xt_comment xt_mark xt_addrtype xt_statistic xt_nat loop nfs nfsv3 nfsv4 xfs; do
  modprobe "$module"
done
network "$address"
"$here/shell.sh" &
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
echo 1 >/proc/sys/net/ipv4/ip_forward
mkdir -p /var/lib/containerd /var/lib/kubelet /etc/cni/net.d /run/node
mount -o noatime /dev/vda /var/lib/containerd
mount -t tmpfs tmpfs /var/lib/kubelet
mount --make-rshared /
cat >/etc/cni/net.d/10-bridge.conflist <<EOF
{"cniVersion":"1.0.0","name":"pods","plugins":[
 {"type":"bridge","bridge":"cni0","isGateway":true,"ipam":{"type":"host-local",
  "ranges":[[{"subnet":"10.244.${address##*.}.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]}}]}
EOF
# Statistics of every container every second would take a third of an emulated machine.
cat >/run/node/containerd.toml <<EOF
version = 3
[plugins.'io.containerd.cri.v1.images']
  stats_collect_period = 60
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = 'localhost/pause:1'
[plugins.'io.containerd.cri.v1.runtime']
  stats_collect_period = '60s'
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['/usr/lib/cni']
  conf_dir = '/etc/cni/net.d'
EOF
cat >/run/node/kubelet.yaml <<EOF
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
failSwapOn: false
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
evictionHard: {memory.available: 50Mi, nodefs.available: 1%, imagefs.available: 1%}
localStorageCapacityIsolation: false
EOF
# As where systemd starts them: together they weigh as much as all pods, not each of their threads.
mkdir /sys/fs/cgroup/system.slice
echo +cpu >/sys/fs/cgroup/cgroup.subtree_control
echo $$ >/sys/fs/cgroup/system.slice/cgroup.procs
containerd --config /run/node/containerd.toml >/run/node/containerd.log 2>&1 &
kube-proxy --kubeconfig "$proxy_kubeconfig" --hostname-override "$name" --cluster-cidr 10.244.0.0/16 >/run/node/proxy.log 2>&1 &
# Before that kubelet would only end by itself.
until ctr --namespace k8s.io version >/dev/null 2>&1; do sleep 0.1; done
echo 'ready'
# Started again whenever it ends, as systemd does: it gives up where the runtime is not all there yet. Where a scenario
# made that file, it is off for as long as it is there.
while true; do
  kubelet --config /run/node/kubelet.yaml --kubeconfig "$kubeconfig" --hostname-override "$name" \
    --node-ip "$address" --housekeeping-interval 60s >>/run/node/kubelet.log 2>&1 || true
  sleep 1
  while [ -e /run/node/kubelet-is-off ]; do sleep 0.5; done
done
