# Three machines in namespaces of their own: one on the internet, a router, one at home behind it.
# Usage, within `unshare --user --map-root-user --net --mount`: sh nat.sh NODE FLATEND PUBLIC HOME
set -e
node=$1 flatend=$2 public=$3 home=$4
mount -t tmpfs none /run
for machine in net router home; do
  ip netns add $machine
  ip -n $machine link set lo up
done
ip link add eth0 netns net type veth peer name wan netns router
ip link add eth0 netns home type veth peer name lan netns router
ip -n net addr add 203.0.113.10/24 dev eth0
ip -n router addr add 203.0.113.1/24 dev wan
ip -n router addr add 192.168.77.1/24 dev lan
ip -n home addr add 192.168.77.2/24 dev eth0
for end in 'net eth0' 'router wan' 'router lan' 'home eth0'; do
  ip -n ${end% *} link set ${end#* } up
done
ip -n home route add default via 192.168.77.1
ip netns exec router sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
ip netns exec router nft -f - <<RULES
table ip nat {
  chain pre { type nat hook prerouting priority -100; }
  chain post { type nat hook postrouting priority 100; oifname "wan" masquerade; }
}
RULES
ip netns exec net "$node" "$public" 203.0.113.10:9000 &
trap "kill $!" EXIT
ip netns exec home "$node" "$home" "$flatend" 203.0.113.10:9000 9000
