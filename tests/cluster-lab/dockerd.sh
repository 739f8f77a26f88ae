#!/usr/bin/env bash
# A docker daemon for tests, in a network namespace of its own: its bridges and firewall rules are not this machine's, nor are its images.
# Needs root and dockerd (Debian: docker.io). DIR, by default /tmp/alexnet-lab-docker, holds all of it.
#
#   dockerd.sh start [DIR]     prints the DOCKER_HOST to use; one that runs is left running
#   dockerd.sh stop [DIR]      ends it and its containers; stop and remove DIR, and nothing is left
set -euo pipefail

namespace=alexnet-lab-docker
start_deadline=30 stop_deadline=30 # seconds

fail() { echo "dockerd.sh: $*" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || fail "needs root"
folder=$(realpath -m "${2:-/tmp/alexnet-lab-docker}")
socket=unix://$folder/docker.sock

running() { [ -s "$folder/docker.pid" ] && kill -0 "$(cat "$folder/docker.pid")" 2>/dev/null; }

start() {
  command -v dockerd >/dev/null || fail "there is no dockerd: apt-get install docker.io"
  if ! running; then
    mkdir -p "$folder"
    [ -e /run/netns/$namespace ] || ip netns add $namespace
    ip -n $namespace link set lo up
    # nsenter changes the network alone; ip netns exec would also remount /sys, and the daemon lose its cgroups with it.
    # --bridge none: every project has a network of its own.
    nsenter --net=/run/netns/$namespace setsid dockerd --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/docker.pid" \
      --host "$socket" --bridge none &>"$folder/dockerd.log" </dev/null &
  fi
  for _ in $(seq $((start_deadline * 5))); do
    if docker --host "$socket" info &>/dev/null; then echo "DOCKER_HOST=$socket"; return; fi
    sleep 0.2
  done
  tail -n 5 "$folder/dockerd.log" >&2
  fail "the daemon does not answer after $start_deadline s: see $folder/dockerd.log"
}

stop() {
  if running; then
    local pid; pid=$(cat "$folder/docker.pid")
    kill "$pid"
    for _ in $(seq $((stop_deadline * 5))); do kill -0 "$pid" 2>/dev/null || break; sleep 0.2; done
    kill -0 "$pid" 2>/dev/null && fail "the daemon, process $pid, does not end within $stop_deadline s"
  fi
  [ ! -e /run/netns/$namespace ] || ip netns del $namespace
}

case ${1-} in
  start) start ;;
  stop) stop ;;
  *) sed -n '2,/^set/{/^#/s/^# \?//p}' "$0" >&2; exit 2 ;;
esac
