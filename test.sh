#!/usr/bin/env bash
# Builds everything and runs all tests.
set -euo pipefail
cd "$(dirname "$0")"
cmake/install_packages.sh build test
cmake --preset release
cmake --build --preset release
ctest --preset release -j "$(nproc)"
