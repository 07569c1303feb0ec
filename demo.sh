#!/usr/bin/env bash
# Builds volley and compares three trained twins of one vision transformer on handwritten digits.
set -euo pipefail
cd "$(dirname "$0")"
cmake/install_packages.sh build test
cmake --preset release >&2
cmake --build --preset release --target volley >&2
build/volley compare examples/digits/dense.txtpb examples/digits/ssa.txtpb examples/digits/bsa.txtpb \
  --input digits --output build/demo.json
