#!/usr/bin/env bash
# Installs Debian packages that are missing: install_packages.sh build|run|test|ci ... Does nothing when all are there.
set -euo pipefail

build=(g++ cmake ninja-build pkg-config libboost-dev libtbb-dev libhwy-dev libprotobuf-dev protobuf-compiler
       libspdlog-dev libfmt-dev libcli11-dev nlohmann-json3-dev libzip-dev libhdf5-dev libflatbuffers-dev flatbuffers-compiler
       liblz4-dev libzstd-dev zlib1g-dev libkissfft-dev
       libeigen3-dev libboost-math-dev libjs-chart.js)
run=(gnuplot-nox graphviz)  # optional: only the pictures of `volley analyze` need them
test=(libgtest-dev python3 dataset-fashion-mnist)
ci=(clang-format clang-tidy chromium clang libclang-rt-dev)
bench=(libbenchmark-dev libdnnl-dev)

missing=()
for set in "$@"; do
  declare -n packages=$set
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "please install as root: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "installing ${missing[*]}" >&2
"${as_root[@]}" apt-get update -qq >&2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
