#!/usr/bin/env bash
# volley analyze: spectrum, flow, fidelity.  analyze_layers_test.sh VOLLEY SOURCE_DIR
set -uo pipefail
subcommand=(analyze)
source "$(dirname "$0")/expect.sh"
volley=$1
examples=$2/examples

# array FILE.npz NAME=SHAPE:NUMBERS ...: float64 arrays, SHAPE as 2x2, NUMBERS as 1,0,0,1; of one number: all of it.
array() {
  python3 - "$@" <<'PY'
import struct, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as file:
    for text in sys.argv[2:]:
        name, rest = text.split("=")
        shape, numbers = rest.split(":")
        kind, pack = ("<i8", "q") if name == "groups" else ("<f8", "d")
        shape = [int(n) for n in shape.split("x")]
        count = 1
        for n in shape:
            count *= n
        numbers = [(int if pack == "q" else float)(n) for n in numbers.split(",")]
        numbers = numbers * count if len(numbers) == 1 else numbers
        head = "{'descr': '%s', 'fortran_order': False, 'shape': (%s,), }" % (kind, ", ".join(map(str, shape)))
        head = head.ljust(117) + "\n"
        file.writestr(name + ".npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() +
                      struct.pack("<%d%s" % (count, pack), *numbers))
PY
}

# expect_number FILE.json KEYS VALUE TOLERANCE: KEYS as layers.0.rank
expect_number() {
  python3 - "$@" <<'PY' || fail "$1: $2 isn't $3"
import json, sys
value = json.load(open(sys.argv[1]))
for key in sys.argv[2].split("."):
    value = value[int(key)] if key.isdigit() else value[key]
print(sys.argv[2], value)
sys.exit(0 if value is not None and abs(value - float(sys.argv[3])) <= float(sys.argv[4]) else 1)
PY
}

# Spectrum: a plain matrix, [2 1; 1 2] has 3 and 1; a map of zeros beside it is counted.
array two.npz "a=2x2x2:2,1,1,2,0,0,0,0"
expect 0 "greatest_singular_value" -- spectrum two.npz --curves --heads --format json
cp out.txt two.json
expect_number two.json layers.0.greatest_singular_value 3 1e-12
expect_number two.json layers.0.silent_maps 1 0
expect_number two.json layers.0.sigma_share_first_1 0.75 1e-12
expect_number two.json layers.0.explained_variance_first_1 0.9 1e-12
expect_number two.json curves.1.singular_value_over_greatest 0.3333333333333333 1e-12
array zero.npz "a=2x2:0"
expect 3 "all 1 maps of 'a' are zero" -- spectrum zero.npz
array nan.npz "a=2x2:1,nan,0,1"
expect 3 "holds NaN at index 1" -- spectrum nan.npz
expect 2 "--at is 0, wanted 1 or more" -- spectrum two.npz --at 0
expect 2 "the tolerance is 2, wanted 0 or more" -- spectrum two.npz --tolerance 2
expect 2 "needs --input DATA" -- spectrum "$examples/digits/dense.txtpb"
expect 2 "'block9' of" -- spectrum "$examples/digits/dense.txtpb" -i digits --samples 0:2 --layer block9

# Models beside each other: a softmax map, a kernel and its factors, a circulant.
models=("$examples/digits/dense.txtpb" "$examples/primal/primal.txtpb" "$examples/primal/spiking_primal.txtpb"
  "$examples/primal/causal_spiking_primal.txtpb" "$examples/cat/cat.txtpb")
expect 0 "spiking_primal" -- spectrum "${models[@]}" -i digits --samples 0:4 --per-step --format json
cp out.txt models.json
expect_number models.json objective_at_singular_triplets_over_trace 0 1e-12
expect_number models.json layers.20.greatest_singular_value 1 1e-6  # a circulant whose rows sum to 1
[ "$(grep -c '"matrix": "K"' models.json)" = 6 ] || fail "not a kernel for each primal layer"
"$volley" run "$examples/primal/primal.txtpb" -i digits --samples 0:4 --record block0.attn:objective -o j.npz >/dev/null
"$volley" analyze spectrum "$examples/primal/primal.txtpb" -i digits --samples 0:4 --format json >j.json 2>/dev/null
python3 - <<'PY' || fail "J isn't the mean of what run records"
import json, struct, sys, zipfile
data = zipfile.ZipFile("j.npz").read("block0.attn:objective.npy")
numbers = struct.unpack("<4f", data[-16:])
wanted = sum(numbers) / 4
sys.exit(0 if abs(json.load(open("j.json"))["layers"][0]["objective"] - wanted) < 1e-6 * wanted else 1)
PY
# What PyTorch finds (examples/primal/README.md, examples/train/primal_spectrum.py).
"$volley" analyze spectrum "$examples/primal/primal.txtpb" -i digits --samples 0:100 --format json >k.json 2>/dev/null
expect_number k.json layers.0.sigma_share_first_1 0.678 5e-4
expect_number k.json layers.0.sigma_share_first_4 0.971 5e-4
expect_number k.json layers.3.sigma_share_first_2 0.945 5e-4
expect_number k.json layers.3.rank 13.9 0.05

# Flow: uniform attention is chance, a file of labels is the same as ranges.
array uniform.npz "a=2x5x5:0.2" "b=2x5x5:0.2"
expect 0 "direction" -- flow uniform.npz --groups image:0-2,text:3-4 --special 4 --blocks --format json
cp out.txt uniform.json
expect_number uniform.json layers.0.direction 0.5 1e-12
expect_number uniform.json layers.0.share 0.48 1e-12
expect_number uniform.json layers.3.outward_share_of_image 0.25 1e-12
expect_number uniform.json layers.1.rollout_into_image 0.2 1e-12
expect_number uniform.json layers.5.rollout_into_image 0.3 1e-12
array groups.npz "groups=5:0,0,0,1,1"
"$volley" analyze flow uniform.npz --labels groups.npz --format json >labelled.json 2>/dev/null
expect_number labelled.json layers.0.share 0.48 1e-12
array silent.npz "a=2x2:0,0,1,1"
expect 0 "50.00" -- flow silent.npz --groups a:0,b:1
array negative.npz "a=2x2:-1,1,1,1"
expect 3 "'a': the map holds -1 at row 0, column 0" -- flow negative.npz --groups a:0,b:1
array wide.npz "a=2x3:1"
expect 3 "'a': the map is 2 x 3" -- flow wide.npz --groups a:0,b:1
expect 3 "no map has 3 tokens" -- flow wide.npz --groups a:0-1,b:2
expect 2 "flow needs --groups NAME:FIRST-LAST" -- flow uniform.npz
expect 2 "flow needs --groups NAME:FIRST-LAST" -- flow uniform.npz --groups a:0-4 --labels groups.npz
expect 2 "flow needs two groups or more" -- flow uniform.npz --groups a:0-4
expect 2 "token 2 is in no group" -- flow uniform.npz --groups a:0-1,b:3-4
expect 2 "group 'b' holds no token" -- flow uniform.npz --groups a:0-3,b:4 --special 4
expect 3 "there are 5 labels, wanted one for each of 2 tokens" -- flow silent.npz --layer a --labels groups.npz
array mixed.npz "a=1x1x2x2:1" "b=2x1x2x2:1"
expect 3 "'b' has 2 samples, 'a' has 1" -- flow mixed.npz --groups a:0,b:1
expect 2 "--ablate needs a model" -- flow uniform.npz --groups a:0-2,b:3-4 --ablate

# The cut models that ship say what --ablate says.
image_text=$examples/vision_language
joint=(--groups image:0-15,text:16-25)  # so the layers of 16 tokens are left out
expect 0 "all of them" -- flow "$image_text/dense.txtpb" -i "$image_text/test.npz" --samples 0:64 "${joint[@]}" \
  --ablate --format json
cp out.txt cut.json
for pair in "1 apart0" "2 apart1" "3 apart"; do
  read -r row name <<<"$pair"
  "$volley" run "$image_text/dense_$name.txtpb" -i "$image_text/test.npz" --samples 0:64 --format json >run.json 2>/dev/null
  wanted=$(python3 -c 'import json; print(next(o["accuracy_percent"] for o in json.load(open("run.json"))["outputs"] if o["accuracy_percent"] is not None))')
  expect_number cut.json "ablation.$row.accuracy_percent" "$wanted" 1e-9
done
expect 2 "don't stand together" -- flow "$image_text/dense.txtpb" -i "$image_text/test.npz" --samples 0:2 \
  --layer joint0.attn --groups image:0-14,25,text:15-24 --ablate
expect 3 "there are 26 labels" -- flow "$image_text/dense.txtpb" -i "$image_text/test.npz" --samples 0:2 \
  --layer joint0.attn,visual0.attn --groups image:0-15,text:16-25
expect 2 "can't be cut" -- flow "$examples/digits/bsa.txtpb" -i digits --samples 0:2 --groups a:0-7,b:8-15 --ablate
expect 3 "has no labels" -- flow "$image_text/dense.txtpb" -i random:2 "${joint[@]}" --ablate
python3 - "$image_text/test.npz" "$2/tests/data/cli/lif.npz" <<'PY'
import struct, sys, zipfile
def labelled(source, target, count, number):
    head = "{'descr': '<i8', 'fortran_order': False, 'shape': (%d,), }" % count
    head = head.ljust(117) + "\n"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if name != "labels.npy":
                new.writestr(name, old.read(name))
        new.writestr("labels.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() +
                     struct.pack("<%dq" % count, *[number] * count))
labelled(sys.argv[1], "wrong.npz", 718, 7)
labelled(sys.argv[2], "lif.npz", 2, 0)
PY
expect 3 "label 7 isn't one of 2 classes" -- flow "$image_text/dense.txtpb" -i wrong.npz --samples 0:2 "${joint[@]}" --ablate
expect 3 "no output is a number for each class" -- flow "$2/tests/data/cli/lif.txtpb" -i lif.npz --groups a:0,b:1 --ablate

# Fidelity: a ternary current of one step keeps its sign; BSA without normalisation and SSA of binary spikes are one.
expect 0 "without a map between tokens" -- fidelity "$examples/digits/bsa.txtpb" -i digits --samples 0:4 --histograms \
  --format json
cp out.txt fidelity.json
python3 - <<'PY' || fail "fidelity: softmax isn't itself, or ssa isn't BSA of binary spikes"
import json, sys
rows = {(r["layer"], r["mechanism"]): r for r in json.load(open("fidelity.json"))["maps"]}
for layer in ("block0.attn", "block1.attn"):
    own, ssa, same = (rows[layer, m] for m in ("softmax", "ssa", "bsa_binary_none"))
    ok = abs(own["cosine"] - 1) < 1e-9 and abs(own["row_sum_mean"] - 1) < 1e-6 and own["jensen_shannon_bits"] < 1e-9
    ok = ok and all(ssa[k] == same[k] for k in ssa if k != "mechanism")
    cat = rows[layer, "cat"]
    ok = ok and abs(cat["row_sum_mean"] - 1) < 1e-6 and 0.5 <= rows[layer, "bsa_binary_shiftmax"]["row_sum_mean"] <= 1
    if not ok:
        sys.exit(1)
PY
python3 "$2/tests/cli/fidelity_reference.py" "$volley" || fail "the maps of plain loops are others"
array currents.npz "q=3x4:2" "k=3x4:0.1"
expect 2 "currents of a file need --heads" -- fidelity currents.npz
expect 2 "3 heads don't divide 4 channels" -- fidelity currents.npz --heads 3
expect 2 "the threshold is 0, wanted above 0" -- fidelity currents.npz --heads 2 --threshold 0
expect 2 "the floor is 1, wanted above 0 and below 1" -- fidelity currents.npz --heads 2 --floor 1
expect 2 "--repeat is 0" -- fidelity currents.npz --heads 2 --repeat 0
expect 2 "the chunk is 0" -- fidelity currents.npz --heads 2 --chunk 0
expect 0 "steps are no whole number of chunks" -- fidelity currents.npz --heads 2 --repeat 3
array uneven.npz "q=3x4:1" "k=2x4:1"
expect 3 "wanted one shape" -- fidelity uneven.npz --heads 2
array only.npz "q=3x4:1"
expect 3 "k" -- fidelity only.npz --heads 2
array bad.npz "q=1x2:1,inf" "k=1x2:1"
expect 3 "array 'q'" -- fidelity bad.npz --heads 1
expect 3 "no attention node has q, k and a score" -- fidelity "$examples/primal/primal.txtpb" -i digits --samples 0:2
expect 2 "needs --input DATA" -- fidelity "$examples/digits/bsa.txtpb"

# Pictures.
expect 0 "" -- spectrum two.npz --picture decay.svg
expect 0 "" -- flow uniform.npz --groups a:0-2,b:3-4 --picture flow.svg
expect 0 "" -- fidelity currents.npz --heads 2 --picture weights.svg
for picture in decay flow weights; do
  grep -q "</svg>" $picture.svg || fail "$picture.svg is no whole picture"
done

echo "analyze_layers_test: $count calls"
exit $bad
