# Hosts of the bed, each a network, mount and UTS namespace held by one sleeping process, on one bridge.
# To be sourced. State is kept in /run/bed: NAME.pid, NAME.address.
#
# A UTS namespace too: the name is what an NFSv4 client tells the server it is, and two nodes
# with one name would be taken for one client that keeps restarting.

bed=/run/bed

make_network() {
  mkdir -p "$bed"
  ip link add br0 type bridge
  ip link set br0 up
}

# make_host NAME ADDRESS
make_host() {
  local name=$1 address=$2
  unshare --net --mount --uts bash -c "hostname $name; touch $bed/$name.entered; exec sleep infinity" &
  local pid=$!
  echo "$pid" >"$bed/$name.pid"
  echo "$address" >"$bed/$name.address"
  # Only then has it left the namespaces of this process.
  until [[ -e $bed/$name.entered ]]; do sleep 0.02; done
  ip link add "v$name" type veth peer name eth0 address "$(hardware_address "$address")" netns "$pid"
  ip link set "v$name" master br0 up
  inside "$name" sh -c "ip address add $address/24 dev eth0; ip link set eth0 up; ip link set lo up"
}

# Every host knows the others' hardware addresses for good: a cut host must look like a server behind a
# switch, whose packets vanish, not like a failed ARP lookup, which the kernel reports after 3 seconds.
introduce_hosts() {
  local from to
  for from in "$@"; do
    for to in "$@"; do
      [[ $from == "$to" ]] || echo "neigh replace $(address_of "$to") lladdr $(hardware_address "$(address_of "$to")") dev eth0 nud permanent"
    done | inside "$from" ip -batch -
  done
}

address_of() { cat "$bed/$1.address"; }

hardware_address() { printf '02:00:%02x:%02x:%02x:%02x\n' ${1//./ }; }

# inside NAME COMMAND...: runs it in that host's namespaces.
inside() {
  local name=$1
  shift
  nsenter --target "$(cat "$bed/$name.pid")" --net --mount --uts -- "$@"
}
