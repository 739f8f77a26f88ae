#!/usr/bin/env bash
# Hosts for cluster tests on one machine: network namespaces, each with one cable into a switch (a bridge in a namespace of its own).
# Nothing of it is in the machine's own network. Needs root, iproute2, nftables (for part) and veth, bridge and tbf in the kernel.
#
#   netns.sh up N          N hosts with the addresses 10.20.12.1 ... N; those that are there stay as they are
#   netns.sh exec I CMD    runs CMD on host I
#   netns.sh cut I         host I hears nothing and nobody hears it; heal I ends that
#   netns.sh part I J      drops what hosts I and J send each other, and nothing else; join I J ends that
#   netns.sh rate I RATE   host I's cable carries RATE (1gbit, 10gbit) each way; norate I: as fast as memory
#   netns.sh down          takes everything away; processes that still run there keep their namespace until they end
#
# Their namespaces begin with $ALEXNET_LAB, or alexnet-lab: those of another name are another switch's, and neither knows of the other.
set -euo pipefail

prefix=${ALEXNET_LAB:-alexnet-lab} network=10.20.12 hosts_max=99
switch=$prefix-switch

# A cable's queue, in time at its rate: one TCP connection fills the cable with it, bbr or cubic.
queue=10ms
# What tbf hands on at once, in KiB: what a cable carries in 0.4 ms, and never less than four packets, which are 64 KiB each since veth does
# not cut them. With less, neither 1 nor 10 Gbit/s are reached (throughput.py); with more, the idle link lets too much of a message pass.
burst_min=256 burst_per_gbit=50

# States of a bridge's port (linux/if_bridge.h). A port that is shut is silence at once, as a dead switch is, and open again at once; the
# cable's own carrier would be noticed by the host, and take a second to come back.
port_disabled=0 port_forwarding=3

fail() { echo "netns.sh: $*" >&2; exit 1; }
host() { echo "$prefix-host$1"; }
exists() { [ -e "/run/netns/$1" ]; }
known() { [[ ${1-} =~ ^[1-9][0-9]*$ ]] && exists "$(host "$1")" || fail "there is no host '${1-}': netns.sh up N makes hosts 1 to N"; }

up() {
  [[ ${1-} =~ ^[1-9][0-9]*$ ]] && [ "$1" -le $hosts_max ] || fail "up ${1-}: wanted a number of hosts from 1 to $hosts_max"
  exists $switch || ip netns add $switch
  ip -n $switch link show bridge &>/dev/null || ip -n $switch link add bridge type bridge
  ip -n $switch link set bridge up
  for i in $(seq "$1"); do plug "$i"; done
}

plug() {
  local name; name=$(host "$1")
  exists "$name" || ip netns add "$name"
  ip -n "$name" link set lo up
  ip -n "$name" link show eth0 &>/dev/null && return
  ip link add "port$1" netns $switch type veth peer name eth0 netns "$name"
  ip -n $switch link set "port$1" master bridge up
  ip -n "$name" addr add "$network.$1/24" dev eth0
  ip -n "$name" link set eth0 up
}

down() {
  local name
  for name in $(ip netns list | awk -v p="^$prefix-(host[0-9]+|switch)$" '$1 ~ p { print $1 }'); do ip netns del "$name"; done
}

# Both ends, so that the cable is as fast one way as the other.
rate() {
  local burst=$burst_min
  [[ $2 =~ ^([0-9]+)gbit$ ]] && [ $((BASH_REMATCH[1] * burst_per_gbit)) -gt $burst ] && burst=$((BASH_REMATCH[1] * burst_per_gbit))
  tc -n "$(host "$1")" qdisc replace dev eth0 root tbf rate "$2" burst ${burst}kb latency $queue
  tc -n $switch qdisc replace dev "port$1" root tbf rate "$2" burst ${burst}kb latency $queue
}

norate() {
  tc -n "$(host "$1")" qdisc del dev eth0 root 2>/dev/null || true # none is there: already so
  tc -n $switch qdisc del dev "port$1" root 2>/dev/null || true
}

# In the switch: the hosts themselves notice nothing but silence.
part() {
  join "$1" "$2"
  ip netns exec $switch nft -f - <<RULES
table bridge part-$1-$2 {
  chain forward {
    type filter hook forward priority 0;
    iifname "port$1" oifname "port$2" drop
    iifname "port$2" oifname "port$1" drop
  }
}
RULES
}

join() { ip netns exec $switch nft delete table bridge "part-$1-$2" 2>/dev/null || true; }

[ "$(id -u)" -eq 0 ] || fail "needs root, to make network namespaces"
command=${1-}
[ $# -gt 0 ] && shift
case $command in
  up) up "$@" ;;
  down) down ;;
  exec) known "${1-}"; name=$(host "$1"); shift; exec ip netns exec "$name" "$@" ;;
  cut) known "${1-}"; bridge -n $switch link set dev "port$1" state $port_disabled ;;
  heal) known "${1-}"; bridge -n $switch link set dev "port$1" state $port_forwarding ;;
  part | join) known "${1-}"; known "${2-}"; [ "$1" -ne "$2" ] || fail "$command $1 $2: wanted two hosts"
    if [ "$1" -lt "$2" ]; then $command "$1" "$2"; else $command "$2" "$1"; fi ;;
  rate) known "${1-}"; [ -n "${2-}" ] || fail "rate $1: wanted a rate, such as 1gbit"; rate "$1" "$2" ;;
  norate) known "${1-}"; norate "$1" ;;
  *) sed -n '2,/^set/{/^#/s/^# \?//p}' "$0" >&2; exit 2 ;;
esac
