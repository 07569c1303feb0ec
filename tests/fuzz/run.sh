#!/usr/bin/env bash
# Builds every fuzz target and runs each for SECONDS on its seeds: run.sh [SECONDS [BUILD_FOLDER [TARGET ...]]]
# A finding stays in BUILD_FOLDER/findings and ends the script with 1. Found inputs stay in BUILD_FOLDER/corpus.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-10}
build=${2:-build-fuzz}
shift $(($# < 2 ? $# : 2))
targets=("$@")
[ $# -gt 0 ] || targets=(safetensors npy npz graph idx torch pickle events nir)

cmake --preset fuzz -B "$build" >"$build.log" 2>&1 || { cat "$build.log"; exit 1; }
cmake --build "$build" --target "${targets[@]/#/fuzz_}"

seeds_of() { # TARGET: folders
  case $1 in
    pickle) echo tests/data/io/pickle ;;
    torch) echo tests/data/io tests/data/io/pickle ;;
    nir) echo tests/data/nir/graphs ;;
    graph) echo tests/data/cli ;;
    *) echo tests/data/io ;;
  esac
}

mkdir -p "$build/findings"
bad=0
for target in "${targets[@]}"; do
  mkdir -p "$build/corpus/$target"
  log=$build/findings/$target.log
  # shellcheck disable=SC2046  # several folders
  if "$build/tests/fuzz/fuzz_$target" "$build/corpus/$target" $(seeds_of "$target") -max_total_time="$seconds" \
    -max_len=65536 -timeout=20 -rss_limit_mb=2048 -artifact_prefix="$build/findings/$target-" >"$log" 2>&1; then
    echo "$target: $(grep -E '^Done' "$log"), $(grep -oE 'cov: [0-9]+' "$log" | tail -1)"
  else
    echo "$target: a finding, see $log"
    grep -E "ERROR|SUMMARY|Test unit" "$log" || tail -5 "$log"
    bad=1
  fi
done
exit $bad
