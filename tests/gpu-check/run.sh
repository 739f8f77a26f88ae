#!/bin/sh
# What the file that make.sh makes runs once it is unpacked: every part of the check in turn, each with a deadline, and one table at the end.
# A part that fails or is cut short is a line of the table. All of it ends within 9 minutes; ended sooner, it leaves the table so far.
#
#   gpu-check [--device cuda:0] [--out DIR]     exit code 0: everything ran and is right; 1: something is not; 2: wrong use
#
# DIR (gpu-check-results) gets gpu-check.md and a log of each part. PYTHON names the Python that has PyTorch (the first python3 that has), ALEXNET_CUBLAS the
# directory of cuBLAS (PyTorch's own when unset). GPU_CHECK_SMALL=1 takes a small network and more patience: to try the check without a GPU.
set -u
here=$(cd "$(dirname "$0")" && pwd)
device=cuda:0 out=gpu-check-results
while [ $# -gt 0 ]; do
  case $1 in
    --device) device=${2:-} ;;
    --out) out=${2:-} ;;
    *) echo "gpu-check: unknown argument $1; usage: gpu-check [--device cuda:0] [--out DIR]" >&2; exit 2 ;;
  esac
  [ -n "${2:-}" ] || { echo "gpu-check: $1 needs a value" >&2; exit 2; }
  shift 2
done
if ! mkdir -p "$out" || ! [ -w "$out" ]; then
  echo "gpu-check: cannot write to $out: name another folder with --out" >&2
  exit 2
fi
out=$(cd "$out" && pwd)

# Everything temporary and every cache lies beside the programs and goes with them.
work=$here/work
mkdir -p "$work/tmp" "$work/home" "$work/cache" || exit 1
export TMPDIR="$work/tmp" XDG_CACHE_HOME="$work/cache" CUDA_CACHE_PATH="$work/cache/cuda" POCL_CACHE_DIR="$work/cache/pocl"
export TRITON_CACHE_DIR="$work/cache/triton" TORCHINDUCTOR_CACHE_DIR="$work/cache/inductor" TORCHINDUCTOR_FX_GRAPH_CACHE=1 PYTHONDONTWRITEBYTECODE=1
if [ -z "${HOME:-}" ] || [ ! -w "$HOME" ]; then export HOME="$work/home"; fi
# Where containers get NVIDIA's driver.
if [ -d /usr/local/nvidia/bin ]; then PATH=$PATH:/usr/local/nvidia/bin; fi
if [ -d /usr/local/nvidia/lib64 ]; then export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/usr/local/nvidia/lib64"; fi
if [ -z "${PYTHON:-}" ]; then
  PYTHON=python3 # the first that has PyTorch
  for found in python3 /usr/bin/python3 /usr/local/bin/python3 /opt/conda/bin/python3; do
    if "$found" -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)' > /dev/null 2>&1; then PYTHON=$found && break; fi
  done
fi
export PYTHON
unset NVIDIA_TF32_OVERRIDE # it would make cuBLAS round what is called float32

# cuda:N: the others are hidden, so that everybody's first GPU is that one.
name=$device
case $device in
  cuda:*)
    visible=$(printf '%s' "${CUDA_VISIBLE_DEVICES:-}" | cut -d , -f $((${device#cuda:} + 1)))
    export CUDA_VISIBLE_DEVICES="${visible:-${device#cuda:}}" CUDA_DEVICE_ORDER=PCI_BUS_ID # as nvidia-smi counts
    device=cuda:0 torch_device=cuda conformance="CudaConformance CudaBlasConformance CudaDirectConformance CudaTensorCoreConformance" ;;
  opencl:*) torch_device=cpu conformance="OpenClConformance OpenClDirectConformance" ;;
  *) echo "gpu-check: $device is no GPU: cuda:N or opencl:N" >&2; exit 2 ;;
esac

patience=1
if [ "${GPU_CHECK_SMALL:-}" = 1 ]; then patience=3; fi
deadline=$(($(date +%s) + 525 * patience))
layers_limit=60 steps_least=90
failed=0
rows=$work/rows.md
running= # the part's process
found=   # and the file with its rows
pictures= warm=
: > "$rows"

row() { printf '| %s | %s | %s | %s |\n' "$1" "$2" "$3" "$4" >> "$rows"; }

write_table() {
  {
    printf '| part | what | result | remark |\n|---|---|---|---|\n'
    cat "$rows"
  } > "$out/gpu-check.md"
}

finish() {
  write_table
  cat "$out/gpu-check.md"
  exit "$1"
}

# Rows that the part has written, as far as it came.
take() {
  if [ -f "$found" ]; then cat "$found" >> "$rows" && rm "$found"; fi
  found=
}

# Ended from outside: the table so far, at once.
stop() {
  trap '' INT TERM HUP
  take
  row "the rest of the check" "" "**cut short**" "ended from outside"
  write_table
  cat "$out/gpu-check.md"
  # shellcheck disable=SC2086
  kill $running $pictures $warm 2> /dev/null
  # shellcheck disable=SC2086
  wait $running
  exit 143
}
trap stop INT TERM HUP

# begin NAME SECONDS: says what comes, and writes the table so far: whoever kills all of this at once has that, and the part's rows in NAME.md.
begin() {
  echo "== $1, at most $2 s" >&2
  write_table
}

# end NAME WHAT CODE SECONDS LOG: a row when it did not end well.
end() {
  case $3 in
    0) return ;;
    124 | 137) row "$1" "$2" "**cut short**" "after $4 s; see $5" ;;
    *) row "$1" "$2" "**failed**" "exit code $3; see $5" ;;
  esac
  failed=1
}

# bounded SECONDS LOG COMMAND...: runs it, all its output in the log. Waited for, so that a signal is not.
bounded() {
  bounded_limit=$1 bounded_log=$2
  shift 2
  timeout -k 5 "$bounded_limit" "$@" >> "$bounded_log" 2>&1 < /dev/null &
  running=$!
  wait "$running"
  code=$?
  running=
  return "$code"
}

# part NAME SECONDS COMMAND...: runs it, all its output in NAME.txt; its rows are where it is told to write them, NAME.md.
part() {
  part_name=$1 part_limit=$2
  shift 2
  begin "$part_name" "$part_limit"
  found=$out/$part_name.md
  bounded "$part_limit" "$out/$part_name.txt" "$@"
  code=$?
  take
  end "$part_name" "the part" "$code" "$part_limit" "$part_name.txt"
}

within() { # SECONDS, but no more than is left
  left=$((deadline - $(date +%s) - ${2:-0}))
  [ "$left" -gt 10 ] || left=10
  if [ "$left" -lt "$1" ]; then echo "$left"; else echo "$1"; fi
}

rm -f "$out/gpu-check.md" "$out/facts.txt" "$out/conformance.txt" "$out/steps.txt" "$out/speed.txt" "$out/layers.txt" "$out/background.txt" "$out/speed.md" "$out/layers.md" "$out/steps.md"

# 1. What is here.
facts=$out/facts.txt
{ date -u; uname -a; nproc; timeout 15 nvidia-smi; timeout 120 "$PYTHON" -u "$here/torch_alexnet.py" facts; } >> "$facts" 2>&1
gpu=$(timeout 15 nvidia-smi --id="${CUDA_VISIBLE_DEVICES:-0}" --query-gpu=name,memory.total,driver_version,clocks.max.sm,power.limit --format=csv,noheader 2>> "$facts")
row machine nvidia-smi "${gpu:-none}" "name, memory, driver, highest clock, power limit"
row machine processor "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores" ""
torch_version=$(sed -n 's/^version: //p' "$facts") torch_cublas=$(sed -n 's/^cublas: //p' "$facts")
row machine PyTorch "${torch_version:-none}" "$(sed -n 's/^device: //p' "$facts")"
if [ -z "${ALEXNET_CUBLAS:-}" ] && [ -n "$torch_cublas" ]; then
  libraries=$torch_cublas${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  if ALEXNET_CUBLAS="$torch_cublas" LD_LIBRARY_PATH="$libraries" timeout 30 "$here/alexnet" devices >> "$facts" 2>&1; then
    export ALEXNET_CUBLAS="$torch_cublas" LD_LIBRARY_PATH="$libraries"
  else
    row machine "cuBLAS of PyTorch" "not usable" "see facts.txt"
  fi
fi
part facts 30 "$here/alexnet" devices --json
description=$(sed -nE 's/.*"name":"'"$device"'"[^}]*"usable":true[^}]*"description":"([^"]*)".*/\1/p' "$facts" | tail -n 1)
row machine "alexnet devices: $name" "${description:-**not usable**}" "commit $(cat "$here/version.txt")"
if [ -z "$description" ]; then
  row machine "the rest of the check" "**failed**" "there is no $name that can be used: facts.txt says why"
  finish 1
fi
"$here/AlexNetActors.Benchmarks" gpu-network "$work/network.json"
if [ "$torch_device" = cuda ] && grep -q '^device: no CUDA' "$facts"; then torch_version=; fi
torch_arguments=
if [ -n "$torch_version" ]; then torch_arguments="$here/torch_alexnet.py $work/network.json"; fi

# While nothing is timed: pictures are drawn, and PyTorch compiles what it will be asked for.
timeout -k 5 120 "$here/AlexNetActors.Benchmarks" gpu-pictures "$work/pictures" >> "$out/background.txt" 2>&1 < /dev/null &
pictures=$!
if [ -n "$torch_version" ] && [ "$torch_device" = cuda ]; then
  timeout -k 5 240 "$PYTHON" "$here/torch_alexnet.py" warm "$work/network.json" cuda 128 1024 >> "$out/background.txt" 2>&1 < /dev/null &
  warm=$!
fi

# 2. Every operation against its definition, and whole steps against PyTorch in float64.
tests() { # WHAT FILTER...
  what=$1 limit=$((45 * patience)) log=$work/tests.txt
  shift
  begin "conformance, $what" "$limit"
  : > "$log"
  bounded "$limit" "$log" "$here/AlexNetActors.Tests" "$@" -preEnumerateTheories -noLogo -noColor
  code=$?
  cat "$log" >> "$out/conformance.txt"
  counts=$(sed -nE 's/.*Total: ([0-9]+), Errors: ([0-9]+), Failed: ([0-9]+), Skipped: ([0-9]+),.*/\1 \2 \3 \4/p' "$log" | tail -n 1)
  if [ -z "$counts" ]; then
    if [ "$code" -eq 0 ]; then code="0 and no tests"; fi
    end conformance "$what" "$code" "$limit" conformance.txt
    return
  fi
  # shellcheck disable=SC2086
  set -- $counts
  bad=$(($2 + $3)) passed=$(($1 - $2 - $3 - $4)) verdict=ok
  if [ "$bad" -gt 0 ]; then verdict="**failed**: $(sed -nE 's/^ *(.*) \[FAIL\].*/\1/p' "$log" | head -n 3 | cut -c 1-200 | tr '\n|' ' /')"
  elif [ "$4" -gt 0 ]; then verdict="**skipped**: $(sed -n '/\[SKIP\]/{n;s/^ *//p;q;}' "$log")"; fi
  [ "$verdict" = ok ] || failed=1
  row conformance "$what" "$passed passed, $bad failed, $4 skipped" "$verdict"
}
for class in $conformance; do tests "$class" -class "*.$class"; done
tests "PyTorch's golden values on $device" -class "*Golden*" -displayName "*$device*"
if [ "$torch_device" = cuda ]; then tests "registers, see conformance.txt" -class "*CudaKernelTests" -showLiveOutput; fi

# 3. Speed, beside PyTorch; nothing else runs now.
wait "$pictures" || row steps "pictures to train on" "**failed**" "see background.txt"
if [ -n "$warm" ]; then kill -TERM -- "-$warm" 2> /dev/null; wait "$warm"; fi
# shellcheck disable=SC2086
part speed "$(within 400 $((layers_limit + steps_least + 20)))" "$here/AlexNetActors.Benchmarks" gpu "$device" "$work/pictures" "$out/speed.md" $torch_arguments

# 4. Layer by layer.
# shellcheck disable=SC2086
part layers "$(within $((layers_limit * patience)) "$steps_least")" "$here/AlexNetActors.Benchmarks" gpu-layers "$device" "$out/layers.md" $torch_arguments

# 5. The same bits, and the right ones.
part steps "$(within $((130 * patience)))" "$here/AlexNetActors.Benchmarks" gpu-steps "$device" "$work/pictures" "$out/steps.md"

finish "$failed"
