#!/usr/bin/env bash
# volley data, and recordings as input and output of run.  data_test.sh VOLLEY SOURCE_DIR
set -uo pipefail
subcommand=()
source "$(dirname "$0")/expect.sh"
volley=$1
source=$2
events=$source/tests/data/io/events
aedat4=$source/tests/data/io/aedat4
shd=$source/tests/data/io/shd.h5

# check WORDS: Python looks at what was written
check() {
  count=$((count + 1))
  python3 - || fail "$1"
}

# Every format is known by its content.
expect 0 "N-MNIST" -- data info "$events/nmnist.bin"
expect 0 "AEDAT 2" -- data info "$events/aedat2.aedat"
expect 0 "AEDAT 3.1" -- data info "$events/aedat3.aedat"
expect 0 "skipped: 1 packets of FRME (stream 1)" -- data info "$aedat4/lz4.aedat4"
expect 0 "DAT" -- data info "$events/prophesee.dat"
expect 0 "EVT2" -- data info "$events/evt2.raw"
expect 0 "EVT3" -- data info "$events/evt3.raw"
expect 0 "npz events" -- data info "$events/gesture.npz" --sensor 128x128
expect 0 "npy events" -- data info "$events/rows.npy"
expect 0 "SHD" -- data info "$shd"
expect 0 '"events": 1,' -- data info "$shd" --sample 1 --format json
expect 0 '"on_off_ratio": 1.0' -- data info "$events/nmnist.bin" --format json
expect 0 '"pixels_hit": 4' -- data info "$events/nmnist.bin" --format json
expect 0 '"mean_events": 4.0' -- data info "$events/nmnist.bin" "$events/prophesee.dat" --format json
expect 0 "recordings: 2" -- data info "$events/nmnist.bin" "$events/evt2.raw"

# The same four events in every file.
for file in nmnist.bin aedat2.aedat aedat3.aedat prophesee.dat evt2.raw gesture.npz rows.npy; do
  expect 0 "4 events in $file.npz" -- data convert "$events/$file" -o "$file.npz"
done
expect 0 "4 events" -- data convert "$events/gesture.npy" --columns xypt --unit ms -o gesture.npy.npz
check "the four events differ" <<'PY'
import struct, sys, zipfile
def column(path, name):
    data = zipfile.ZipFile(path).read(name + ".npy")
    body = data[10 + struct.unpack("<H", data[8:10])[0]:]
    return list(struct.unpack("<%dq" % (len(body) // 8), body)) if name != "p" else list(body)
bad = 0
for file in "nmnist.bin aedat2.aedat aedat3.aedat prophesee.dat evt2.raw gesture.npz rows.npy gesture.npy".split():
    got = [column(file + ".npz", name) for name in "txyp"]
    if got != [[100, 110, 110, 250], [3, 33, 0, 12], [7, 0, 33, 12], [1, 0, 1, 0]]:
        bad = print(file, got) or 1
sys.exit(bad)
PY

# Frames go straight into a model of a DVS family.
expect 0 "2 recordings" -- data make --images digits --samples 2 --side 32 -o made
expect 0 "frames [4, 2, 2, 32, 32] of 2 recordings, 0 events" -- \
  data convert made/00000.npz made/00001.npz --frames 4 -o frames.npz
tiny=spikformer:size=cifar10dvs-2-256,dim=32,heads=4,depth=1,image=32
expect 0 "accuracy" -- run $tiny --input frames.npz
expect 0 "block.0" -- measure $tiny --input frames.npz --per layer
# The same without the file between, and from all executors.
expect 0 "accuracy" -- run $tiny --input frames.npz -o from_frames.npz
for executor in layered stepped event_driven; do
  expect 0 "accuracy" -- run $tiny --input events:made/00000.npz,made/00001.npz --executor $executor -o from_events.npz
  cmp -s from_frames.npz from_events.npz || fail "events: gives other outputs than the frames, $executor"
done
expect 0 "2 events lie outside of 32 x 32" -- run $tiny --input "events-by-time:$events/nmnist.bin"
expect 3 "wanted [C=2 Y X] in each step" -- run spikformer:dim=32,heads=4,depth=1 --input events:made/00000.npz
expect 3 "nofile" -- run $tiny --input events:made/00000.npz,nofile
expect 2 "wanted events:FILE" -- run $tiny --input events:
expect 3 "frames" -- run spikformer:dim=32,heads=4,depth=1 --input frames.npz
expect 0 "frames [2, 1, 2, 32, 32] of 1 recordings, 2 events outside" -- \
  data convert "$events/nmnist.bin" --frames 2 --by time --size 32x32 --binary --labels 3 -o one.npz
expect 0 "accuracy" -- run $tiny --input one.npz --steps 2

# What a run recorded, as NIRData, and as the input of a run.
lif=$source/tests/data/cli/lif.txtpb
array=$source/tests/data/cli/lif.npz
expect 0 "" -- run "$lif" --input "$array" --record x,neuron,neuron:v --dt 1e-3 -o run.nirdata
expect 0 "" -- run "$lif" --input run.nirdata -o again.npz
expect 0 "" -- run "$lif" --input "$array" -o first.npz
check "the recorded input gives another result" <<'PY'
import sys, zipfile
a, b = zipfile.ZipFile("again.npz"), zipfile.ZipFile("first.npz")
sys.exit(a.namelist() != b.namelist() or any(a.read(name) != b.read(name) for name in a.namelist()))
PY
expect 2 "--dt needs --output FILE.nirdata" -- run "$lif" --input "$array" --dt 1e-3 -o run.npz
expect 2 "a step of 0 s" -- run "$lif" --input "$array" --dt 0 -o none.nirdata
expect 3 "root is no NIRGraphData" -- run "$lif" --input "$shd"
expect 3 "has nothing of a node 'x'" -- run "$lif" --input "$source/tests/data/nir/recorded.nirdata"
expect 3 "wanted" -- run "$lif" --input "$source/tests/data/nir/events.nirdata" --steps 4

# Usage: exit 2.
expect 2 "" -- data
expect 2 "FILE" -- data info
expect 2 "--output" -- data convert "$events/nmnist.bin"
expect 2 "--sensor is '34', wanted WIDTHxHEIGHT" -- data info "$events/nmnist.bin" --sensor 34
expect 2 "--sensor is '0x34'" -- data info "$events/nmnist.bin" --sensor 0x34
expect 2 "--size is '32x'" -- data convert "$events/nmnist.bin" --frames 2 --size 32x -o none.npz
expect 2 "is one recording, got sample 1" -- data info "$events/nmnist.bin" --sample 1
expect 2 "holds 2 samples" -- data info "$shd" --sample 2
expect 2 "the columns are 'xyp'" -- data info "$events/gesture.npy" --columns xyp
expect 2 "is no .npy" -- data info "$events/nmnist.bin" --columns xypt
expect 2 "--unit" -- data info "$events/gesture.npz" --unit weeks
expect 2 "--by" -- data convert "$events/nmnist.bin" --frames 2 --by luck -o none.npz
expect 2 "need --frames" -- data convert "$events/nmnist.bin" --binary -o none.npz
expect 2 "2 files without --frames" -- data convert "$events/nmnist.bin" "$events/evt2.raw" -o none.npz
expect 2 "2 labels for 1 recordings" -- data convert "$events/nmnist.bin" --frames 2 --labels 1,2 -o none.npz
expect 2 "0 frames" -- data convert "$events/nmnist.bin" --frames 0 -o none.npz
expect 2 "--size makes them equal" -- data convert "$events/nmnist.bin" "$events/evt2.raw" --frames 2 -o none.npz
expect 2 "wanted digits, idx:IMAGES" -- data make --images cats -o none
expect 2 "does not fit a sensor of 4 x 4" -- data make --images digits --side 4 -o none
expect 2 "is outside of the" -- data make --images digits --first 10000 -o none
[ -e none.npz ] || [ -e none.nirdata ] && fail "a refused command wrote a file"

# Malformed: exit 3, the file is named.
expect 3 "nowhere.bin" -- data info nowhere.bin
expect 3 "wanted a structured one, or the order of its columns" -- data info "$events/gesture.npy"
expect 3 "outside of the sensor of 8 x 8" -- data info "$events/nmnist.bin" --sensor 8x8
head -c 17 "$events/nmnist.bin" >cut.bin
expect 3 "cut.bin: is no known event format" -- data info cut.bin
head -c 3000 "$aedat4/zstd.aedat4" >cut.aedat4
expect 3 "cut.aedat4" -- data info cut.aedat4
expect 3 "has 1 streams of events" -- data info "$aedat4/zstd.aedat4" --sample 1

# Can't write: exit 1.
expect 1 "nowhere" -- data convert "$events/nmnist.bin" -o nowhere/a.npz

echo "data: $count calls checked"
exit $bad
