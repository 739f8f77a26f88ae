#!/usr/bin/env bash
# Publishes the program for Windows and runs it under Wine, where there is no Windows: it must train to the same bits as this system's own
# build, stop and go on, go on when it was killed, prepare pictures, and take part in a cluster beside this system's processes.
#
#   tests/wine-check.sh [FOLDER_OF_PICTURES]        # needs the .NET SDK and wine (Debian: wine64 wine); some minutes
#
# TLS is not tried: Wine 8 has not the keys. FOLDER_OF_PICTURES has a folder of pictures for each class.
set -euo pipefail
pictures=${1:+$(realpath "$1")}
cd "$(dirname "$0")/.."
command -v wine > /dev/null || { echo "there is no wine: install it (Debian: apt-get install wine64 wine)" >&2; exit 1; }

work=$(mktemp -d)
export WINEPREFIX="$work/wine" WINEDEBUG=-all
export DOTNET_EnableWriteXorExecute=0 # Wine maps no memory twice
trap 'pkill -9 -f "$work/" || true; wineserver -k 2> /dev/null || true; rm -rf "$work"' EXIT

for system in win-x64 linux-x64; do
  dotnet publish src/AlexNetActors.App -c Release -r $system --self-contained --artifacts-path "$work/artifacts" -o "$work/$system" -v q
done
timeout 300 wine wineboot -i > /dev/null 2>&1

windows() { timeout 600 wine "$work/win-x64/alexnet.exe" "$@"; }
linux() { timeout 600 "$work/linux-x64/alexnet" "$@"; }
digest() { sed -nE 's/.*"weightsSha256":"([0-9a-f]{64})".*/\1/p' | tail -n 1; }
same() { # WHAT EXPECTED SEEN
  [ "$2" = "$3" ] || { echo "$1: ${3:-no weights} instead of $2" >&2; exit 1; }
  echo "$1: ${2:0:16}..."
}
cd "$work"

expected=$(linux train --steps 200 --run linux --json 2> log | digest)
seen=$(windows train --steps 200 --run windows --json 2>> log | digest)
same "200 steps on Linux and on Windows" "$expected" "$seen"

windows train --steps 200 --run killed > killed.log 2>&1 &
for _ in $(seq 600); do grep -q "checkpoint after step 125" killed.log && break; sleep 0.1; done
pkill -9 -f 'alexnet.exe train --steps 200 --run killed'
wait
seen=$(windows train --steps 200 --run killed --resume --json 2>> log | digest)
same "killed and resumed on Windows" "$expected" "$seen"
windows verify killed > verify.log
grep -q "every record once" verify.log

if [ -n "$pictures" ]; then
  linux prepare "$pictures" linux-packs > /dev/null 2>> log
  windows prepare "$pictures" windows-packs > /dev/null 2>> log
  cmp linux-packs/train.pack windows-packs/train.pack
  echo "pictures prepared on Windows: the same packs"
fi

seeds=127.0.0.1:$((20000 + RANDOM % 10000))
linux node --roles coordinator --listen $seeds --steps 60 --run cluster --json > coordinator.json 2> coordinator.log &
linux node --roles gpu --seeds $seeds --set alexnet.threads=1 > gpu-a.log 2>&1 &
windows node --roles gpu --seeds $seeds --set alexnet.threads=1 > gpu-b.log 2>&1 &
windows node --roles loader --seeds $seeds > loader.log 2>&1 &
expected=$(linux train --steps 60 --run sixty --json 2>> log | digest)
wait
same "a cluster of processes on Linux and on Windows" "$expected" "$(digest < coordinator.json)"
