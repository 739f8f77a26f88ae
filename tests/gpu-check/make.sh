#!/usr/bin/env bash
# Makes one file that checks this program on a machine with a GPU and without the .NET SDK, without a network and without rights:
#
#   tests/gpu-check/make.sh gpu-check                      # here: needs the .NET SDK; under 60 MiB comes out
#   ./gpu-check [--device cuda:0] [--out DIR]              # there: any x86-64 Linux with tar, gzip and NVIDIA's driver
#
# It unpacks itself into a temporary folder (TMPDIR, else /tmp; it needs 4 GB there and leaves nothing), runs the conformance tests on the
# GPU, short trainings that must end in the same bits, one step against the processor's, and, where python3 has PyTorch, training speed and
# layer times beside PyTorch's on the same GPU; prints one table and leaves it and the logs in DIR. run.sh is the program, and says more.
# Inside are the tests, the benchmarks and alexnet, published self-contained over one copy of the .NET runtime.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ $# -ne 1 ]; then
  echo "usage: tests/gpu-check/make.sh OUT_FILE" >&2
  exit 2
fi
case $1 in /*) out=$1 ;; *) out=$OLDPWD/$1 ;; esac
bytes_max=$((60 << 20))

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for project in src/AlexNetActors.App tests/AlexNetActors.Tests tests/AlexNetActors.Benchmarks; do
  dotnet publish "$project" -c Release -r linux-x64 --self-contained --artifacts-path "$work/artifacts" -o "$work/files" \
    -p:DebugType=none -p:GenerateDocumentationFile=false -p:SatelliteResourceLanguages=en
done
cp tests/gpu-check/run.sh tests/gpu-check/torch_alexnet.py "$work/files"
{ git describe --always --dirty --abbrev=12 2> /dev/null || echo "unknown commit"; } > "$work/files/version.txt"

# Not used there: libvips, a peer; ONNX Runtime, which reads exports in a test; the runtime's debugging and tracing.
cd "$work/files"
rm -f libvips.so.42 libonnxruntime*.so onnxruntime*.dll libmscordaccore.so libmscordbi.so libcoreclrtraceptprovider.so createdump ./*.pdb ./*.xml

cat > "$work/header" <<'HEADER'
#!/bin/sh
# Made by tests/gpu-check/make.sh: a program that checks AlexNetActors on a GPU, with its runtime behind these lines.
#   ./gpu-check [--device cuda:0] [--out DIR]
set -u
unpacked=$(mktemp -d "${TMPDIR:-/tmp}/gpu-check.XXXXXX") || exit 1
trap 'rm -rf "$unpacked"' EXIT
trap 'exit 143' INT TERM HUP
tail -n +@LINES@ "$0" | gzip -dc | tar -xf - -C "$unpacked" || { echo "gpu-check: cannot unpack to $unpacked: name a folder with 4 GB in TMPDIR" >&2; exit 1; }
"$unpacked/run.sh" "$@" &
run=$!
trap 'trap "" INT TERM HUP; kill "$run"; wait "$run"; exit 143' INT TERM HUP
wait "$run"
exit $?
HEADER
chmod 755 run.sh
{
  sed "s/@LINES@/$(($(wc -l < "$work/header") + 1))/" "$work/header"
  tar -cf - --sort=name --owner=0 --group=0 --numeric-owner --mode='u+rwX,go+rX' . | gzip -9n
} > "$work/gpu-check"
bytes=$(stat -c %s "$work/gpu-check")
[ "$bytes" -le "$bytes_max" ] || { echo "the file would be $bytes bytes, more than the $bytes_max that it may have" >&2; exit 1; }
chmod 755 "$work/gpu-check"
mv "$work/gpu-check" "$out"
echo "$out: $bytes bytes"
