#!/usr/bin/env bash
# The floors of the house: a room includes only rooms below it, and each library has one door.
set -euo pipefail
cd "$(dirname "$0")/../.."

floor_of() {
  case $1 in
    sim/base/*|proto/*) echo 1 ;;
    sim/tensor/*) echo 2 ;;
    sim/backend/*) echo 3 ;;
    sim/op/*) echo 4 ;;
    neurons/*|sim/ops/*|attention/*|sim/graph/*|sim/measure/*) echo 5 ;;
    gpu/*|sim/exec/*|sim/io/*) echo 6 ;;
    models/families/*) echo 7 ;;
    models/exchange/*) echo 9 ;;
    models/*|analysis/*) echo 8 ;;
    cli/*|python/*|bench/*|examples/*) echo 10 ;;
    tests/support/*) echo 9 ;;  # bench reads the same cases as the tests
    tests/*) echo 11 ;;
    *) echo 0 ;;
  esac
}

bad=0
complain() { echo "floors: $1"; bad=1; }

# One room above or beside another is not included. sim/io reads graph and profile descriptions from floor 5.
while IFS=: read -r file line; do
  included=$(sed -E 's/.*"([^"]+)".*/\1/' <<<"$line")
  from=$(floor_of "$file")
  to=$(floor_of "$included")
  [ "$to" -gt 0 ] || { [[ $included == *.pb.h ]] || complain "$file includes $included, which is in no room"; continue; }
  [ "${file%/*}" = "${included%/*}" ] && continue
  [ "$from" -gt "$to" ] || complain "$file (floor $from) includes $included (floor $to)"
done < <(grep -rnE '^#include "' --include='*.hpp' --include='*.cpp' --include='*.cu' --include='*.cuh' \
           sim neurons attention models cli gpu analysis bench 2>/dev/null | sed -E 's/:[0-9]+:/:/')

door() { # library, include pattern, files that may
  local hits
  hits=$(grep -rlE "#include <$2" --include='*.hpp' --include='*.cpp' --include='*.cu' \
           sim neurons attention models cli gpu analysis bench 2>/dev/null | grep -vE "$3" || true)
  [ -z "$hits" ] || complain "$1 is included outside its door: $(tr '\n' ' ' <<<"$hits")"
}
door Boost.Graph 'boost/graph' '^(sim/graph|analysis)/'
door Boost.Math 'boost/math' '^analysis/'
door Eigen 'Eigen/' '^analysis/'
door oneTBB '(oneapi/)?tbb' '^sim/base/parallel\.cpp'
door spdlog 'spdlog' '^sim/base/log\.cpp'
door fmt 'fmt/' '^sim/base/(check|log)\.hpp'
door Highway 'hwy/' '_hwy\.cpp'
door kissfft '(kissfft/)?kiss_?fft' '^attention/cat_fft\.cpp'
door oneDNN '(oneapi/)?dnnl' '_onednn\.cpp|^bench/'
door protobuf 'google/protobuf' '^sim/io/[a-z_]*_proto\.cpp'
door CLI11 'CLI/' '^cli/'
door nlohmann 'nlohmann' '^(sim/io/safetensors\.cpp|cli/)'
door libzip 'zip\.h' '^sim/io/zip_archive\.cpp'
door HDF5 'hdf5' '^sim/io/hdf5_file\.cpp'
door flatbuffers 'flatbuffers/' '^sim/io/event_aedat4\.cpp'
door LZ4 'lz4' '^sim/io/event_aedat4\.cpp'
door ZSTD 'zstd' '^sim/io/event_aedat4\.cpp'
door zlib 'zlib\.h' '^sim/io/'

# No conditional compilation outside the one header that host and device share.
hits=$(grep -rlE '^\s*#\s*if' --include='*.hpp' --include='*.cpp' sim neurons attention models cli 2>/dev/null |
         grep -vE '^sim/base/device_fn\.hpp|_hwy\.cpp' || true)
[ -z "$hits" ] || complain "#if outside sim/base/device_fn.hpp: $(tr '\n' ' ' <<<"$hits")"

[ $bad = 0 ] && echo "floors: the house stands"
exit $bad
