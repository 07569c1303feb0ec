#!/usr/bin/env bash
# volley analyze causal and recovery: exit codes, rules for bad maps, pictures.  analyze_causal_test.sh VOLLEY SOURCE_DIR
set -uo pipefail
subcommand=(analyze)
source "$(dirname "$0")/expect.sh"
volley=$1
digits=$2/examples/digits/ssa.txtpb

# map FILE SHAPE NUMBERS: one float64 array "a"; SHAPE as 2x2, NUMBERS with commas.
map() {
  python3 - "$@" <<'PY'
import struct, sys, zipfile
shape, numbers = sys.argv[2].split("x"), [float(n) for n in sys.argv[3].split(",")]
head = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s,), }" % ", ".join(shape)
head = head.ljust(117) + "\n"
with zipfile.ZipFile(sys.argv[1], "w") as file:
    file.writestr("a.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() +
                  struct.pack("<%dd" % len(numbers), *numbers))
PY
}
map chain.npz 3x3 1,0,0,0.7,1,0,0.49,0.7,1
map oblong.npz 2x3 1,0,0,0.7,1,0
map nan.npz 2x2 1,0,nan,1
map silent.npz 3x3 1,0,0,0,0,0,0.5,0,1
map copies.npz 4x4 1,0,0,0,1,0,0,0,1,1,1,1,1,0,1,0
map steps.npz 2x1x1x2x2 1,0,0.9,1,1,0,0,1

expect 0 "Example: volley analyze causal" -- causal --help
expect 0 "o-o" -- causal chain.npz --effective-samples 10000
expect 3 "is 2 x 3, wanted as many rows as columns" -- causal oblong.npz
expect 3 "holds NaN at index 2" -- causal nan.npz
expect 0 "tokens with zero rows are left out: 1" -- causal silent.npz --effective-samples 100
expect 2 "target 1 is not among the tokens of head 0" -- causal silent.npz --target 1
expect 2 "target 3 isn't there; the map has 3 tokens" -- causal chain.npz --target 3
expect 2 "target -1 isn't there" -- causal chain.npz --target=-1
expect 0 "tests were not possible (too few samples or collinear tokens) and were taken as dependent" -- causal copies.npz --effective-samples 1000
expect 0 "no set of more than 0 tokens can be tested" -- causal chain.npz --effective-samples 3
expect 2 "effective sample size is 0" -- causal chain.npz --effective-samples 0
expect 2 "alpha is 1" -- causal chain.npz --alpha 1
expect 2 "the ridge is -1" -- causal chain.npz --ridge=-1
expect 2 "head 1 isn't there" -- causal chain.npz --heads 1
expect 2 "sample 1 isn't there" -- causal chain.npz --sample 1
expect 2 "token 7 isn't there" -- causal chain.npz --nodes 0,7
expect 2 "--largest is 0" -- causal chain.npz --largest 0
expect 2 "has no array 'b'; it holds: a" -- causal chain.npz --array b
expect 3 "missing.npz" -- causal missing.npz
expect 2 "a model needs --input" -- causal "$digits"
expect 2 "needs maps of 2 or more steps, there are 1" -- causal chain.npz --bootstrap 5
expect 0 "same marks in" -- causal steps.npz --bootstrap 5 --effective-samples 20

# A model: its deepest map; masked runs of it.
expect 0 "block1.attn" -- causal "$digits" -i digits --samples 0 --effective-samples 64
expect 2 "those that have: block0.attn, block1.attn" -- causal "$digits" -i digits --samples 0 --layer block7
expect 0 "of each size, in random order (mean)" -- causal "$digits" -i digits --samples 0:2 --explain --largest 1
expect 0 "masked_node: block0.lif" -- causal "$digits" -i digits --samples 0:1 --explain --largest 1 --mask-node block0.lif
expect 2 "no node 'head' has 16 tokens" -- causal "$digits" -i digits --samples 0:1 --explain --mask-node head
expect 2 "target 16 isn't there" -- causal "$digits" -i digits --samples 0:1 --explain --target 16
expect 2 "chain.npz only holds maps" -- causal chain.npz --explain
expect 2 "--explain goes without" -- causal "$digits" -i digits --explain --bootstrap 3

# Another way to silence tokens of sample 0: positions that cancel what the embedding says. The decision, 6, changes for
# {0, 1, 3} and for no smaller set of these, as --explain finds.
expect 0 "0 1 3" -- causal "$digits" -i digits --samples 0:1 --explain --largest 3 --effective-samples 64
cp "$2"/examples/digits/ssa.safetensors all.safetensors
sed 's/"ssa.safetensors"/"all.safetensors"/' "$digits" >all.txtpb
sed 's/"ssa.safetensors"/"cut.safetensors"/' "$digits" >cut.txtpb
"$volley" run all.txtpb -i digits --samples 0:1 --record embed -o all.npz >/dev/null 2>&1
for case in 6: 6:0,1 6:0,3 6:1,3 5:0,1,3; do
  python3 - "${case#*:}" <<'PY'
import json, struct, sys, zipfile
raw = bytearray(open("all.safetensors", "rb").read())
size = struct.unpack("<Q", raw[:8])[0]
place = 8 + size + json.loads(raw[8:8 + size])["position.weight"]["data_offsets"][0]
embed = zipfile.ZipFile("all.npz").read("embed.npy")[-4 * 16 * 64:]
for token in sys.argv[1].split(",") if sys.argv[1] else []:
    at = 4 * 64 * int(token)
    row = struct.unpack("<64f", embed[at:at + 256])
    raw[place + at:place + at + 256] = struct.pack("<64f", *(-x for x in row))
open("cut.safetensors", "wb").write(raw)
PY
  "$volley" run cut.txtpb -i digits --samples 0:1 -o cut.npz >/dev/null 2>&1
  count=$((count + 1))
  python3 - "${case%%:*}" <<'PY' || fail "tokens ${case#*:} silenced: not ${case%%:*}"
import struct, sys, zipfile
logits = struct.unpack("<10f", zipfile.ZipFile("cut.npz").read("logits.npy")[-40:])
sys.exit(0 if logits.index(max(logits)) == int(sys.argv[1]) else 1)
PY
done

# Planted structures.
expect 0 "counts on a background, rows centred" -- recovery --nodes 5 --graphs 2 --steps 4
expect 2 "--graphs is 0" -- recovery --graphs 0
expect 2 "wanted 2 or more" -- recovery --nodes 1
expect 2 "--steps has 0" -- recovery --steps 0

# Pictures, where gnuplot and dot are.
expect 2 "wanted a name in .svg or .png" -- causal chain.npz --picture graph.pdf
if command -v gnuplot >/dev/null && command -v dot >/dev/null; then
  expect 0 "o-o" -- causal chain.npz --effective-samples 10000 --picture graph.svg --map-picture map.png --dot graph.dot
  grep -q "<svg" graph.svg || fail "graph.svg is no picture"
  head -c 4 map.png | grep -q PNG || fail "map.png is no picture"
  grep -q digraph graph.dot || fail "graph.dot is no graph"
else
  echo "SKIPPED: pictures; gnuplot or dot is missing (Debian: gnuplot-nox, graphviz)"
fi
echo "$count checks"
exit $bad
