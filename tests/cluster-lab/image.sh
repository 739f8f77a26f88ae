#!/usr/bin/env bash
# Builds the Dockerfile where no registry can be reached: its two base images are made of this machine's files (the .NET SDK and runtime,
# glibc, libstdc++, OpenSSL, a shell for the build) and the packages come from this machine's NuGet folder. All else is as in the Dockerfile.
#
#   DOCKER_HOST=... image.sh [TAG]     default: alexnet:latest, which docker-compose.yml takes
#
# Needs docker, the .NET 10 SDK, and done once here, so that the packages are there:
#   dotnet restore src/AlexNetActors.App --use-current-runtime -p:PublishReadyToRun=true
set -euo pipefail
cd "$(dirname "$0")/../.."
tag=${1:-alexnet:latest}
dotnet=$(dirname "$(realpath "$(command -v dotnet)")")
packages=$(dotnet nuget locals global-packages --list | sed 's/^[^:]*: //')
version=$(dotnet --list-runtimes | awk '$1 == "Microsoft.NETCore.App" && $2 ~ /^10\./ { v = $2 } END { print v }')
[ -n "$version" ] || { echo "image.sh: there is no .NET 10 runtime in $dotnet" >&2; exit 1; }

# A base image is made once for a runtime and a set of packages.
key=$({ echo "$version"; dotnet --version; cat tests/cluster-lab/image.sh Directory.Packages.props src/*/*.csproj; } | sha256sum | cut -c 1-12)
sdk=alexnet-lab-sdk:$key runtime=alexnet-lab-runtime:$key

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A file and the libraries that it is linked with, at their own places.
take() {
  local root=$1 file
  shift
  for file in $({ printf '%s\n' "$@"; ldd "$@" | grep -oE '/[^ :]+'; } | sort -u); do
    [ -e "$root$file" ] || install -D "$(realpath "$file")" "$root$file"
  done
}

# What the runtime loads by name is found in the linker's own table.
library() { ldconfig -p | awk -v n="$1" '$1 == n && !path { path = $NF } END { print path; exit !path }'; }

skeleton() {
  mkdir -p "$1"/{etc,root} && mkdir -m 1777 "$1/tmp"
  printf 'root:x:0:0::/root:/bin/false\napp:x:1654:1654::/home/app:/bin/false\n' > "$1/etc/passwd"
  printf 'root:x:0:\napp:x:1654:\n' > "$1/etc/group"
  echo 'hosts: files dns' > "$1/etc/nsswitch.conf"
  take "$1" "$dotnet/dotnet" "$dotnet/shared/Microsoft.NETCore.App/$version"/*.so \
    "$(library libssl.so.3)" "$(library libcrypto.so.3)"
  rm -rf "$1$dotnet"
}

import() { tar -C "$1" --owner=0 --group=0 -c . | docker import "${@:3}" - "$2" >/dev/null; }

make_runtime() {
  skeleton "$work/runtime"
  mkdir -p "$work/runtime/usr/share/dotnet/shared/"{Microsoft.NETCore.App,Microsoft.AspNetCore.App}
  cp -r "$dotnet/dotnet" "$dotnet/host" "$work/runtime/usr/share/dotnet"
  for framework in Microsoft.NETCore.App Microsoft.AspNetCore.App; do
    cp -r "$dotnet/shared/$framework/$version" "$work/runtime/usr/share/dotnet/shared/$framework"
  done
  import "$work/runtime" $runtime
}

make_sdk() {
  skeleton "$work/sdk"
  mkdir -p "$work/sdk/usr/share" "$work/sdk/usr/bin"
  cp -r "$dotnet" "$work/sdk/usr/share/dotnet"
  take "$work/sdk" /bin/sh /bin/mkdir
  ln -s ../share/dotnet/dotnet "$work/sdk/usr/bin/dotnet"
  dotnet restore src/AlexNetActors.App --use-current-runtime -p:PublishReadyToRun=true --source "$packages" --packages "$work/sdk/packages" --artifacts-path "$work/artifacts" -v quiet
  printf '<configuration><packageSources><clear /><add key="here" value="/packages" /></packageSources></configuration>\n' > "$work/NuGet.Config"
  install -D "$work/NuGet.Config" "$work/sdk/root/.nuget/NuGet/NuGet.Config"
  import "$work/sdk" $sdk --change 'ENV HOME=/root DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1'
}

there() { docker image inspect "$1" &>/dev/null; }

there $runtime || make_runtime
there $sdk || make_sdk
docker build --network none --build-arg SDK=$sdk --build-arg RUNTIME=$runtime -t "$tag" .
docker image ls "$tag"
