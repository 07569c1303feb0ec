#!/usr/bin/env bash
# volley compare: twins, verdicts, early readout, conditions.  compare_test.sh VOLLEY SOURCE_DIR
set -uo pipefail
subcommand=(compare)
source "$(dirname "$0")/expect.sh"
volley=$1
digits=$2/examples/digits

pair=("$digits/dense.txtpb" "$digits/ssa.txtpb" --input digits --samples 0:64)

# Twins are run and named by their bits; T = 4 gives 3 bits, T = 1 two.
expect 0 "digits_ssa against digits_dense_w8a8" -- "${pair[@]}" --against int8 --against qnn -o twins.json
grep -q '"model": "digits_dense_w8a3"' twins.json || fail "no twin of 3 bits in the JSON"
grep -q '"energy_ratio_if_int8": [0-9]' twins.json || fail "no energy at equal width in the JSON"
grep -q 'multiply 0.2 x 3/8' twins.json || fail "the price of a 3-bit product is not said to be derived"
expect 0 "digits_dense_w8a5" -- "${pair[@]}" --against qnn:5
expect 0 "digits_dense_w8a2" -- "${pair[@]}" --against qnn -T 1
expect 0 "digits_dense_w8a8 against digits_dense" -- "$digits/dense.txtpb" --input digits --samples 0:8 --against int8

# Several profiles; the first is for the verdicts.
expect 0 "profile: horowitz45-int8" -- "${pair[@]}" --profile horowitz45-int8 --profile horowitz45-fp32
[ "$(grep -c '^digits_ssa  digits_dense ' out.txt)" = 2 ] || fail "no verdict for each profile"

# One run answers for every T', as a run of its own does.
"$volley" compare "${pair[@]}" --over-steps --format json >all.json 2>/dev/null
for steps in 1 2 3 4; do
  "$volley" compare "${pair[@]}" -T $steps --format json >one.json 2>/dev/null
  python3 - all.json one.json $steps <<'PY' || fail "T' = $steps is not the run with -T $steps"
import json, sys
every, one, steps = json.load(open(sys.argv[1])), json.load(open(sys.argv[2])), int(sys.argv[3])
early = every["over_steps"][steps - 1]
plain = one["models"][1]
keys = ["model", "steps", "accuracy_percent", "energy_uj_per_sample", "firing_rate", "ac_per_sample"]
sys.exit(0 if len(every["over_steps"]) == 4 and all(early[k] == plain[k] for k in keys) else 1)
PY
done

# A model that loses in every respect: it fires all the time, for long.
sed 's/name: "threshold" number: 1/name: "threshold" number: 0.001/; s/"digits_ssa"/"loud"/' "$digits/ssa.txtpb" >loud.txtpb
cp "$digits/ssa.safetensors" .
expect 0 "loud against digits_dense" -- "$digits/dense.txtpb" loud.txtpb --input digits --samples 0:64 -T 16
verdict=$(grep '^loud against' out.txt)
for respect in accuracy energy "energy with memory" time memory; do
  [[ "$verdict" == *"loses $respect ("* ]] || fail "does not lose $respect: $verdict"
done
[[ "$verdict" == *wins* ]] && fail "wins something: $verdict"

# Conditions: met, not met, malformed, not known.
expect 0 "against" -- "${pair[@]}" --fail-if "accuracy<50" --fail-if "energy>2"
expect 4 "accuracy of digits_ssa is 96.875 %, wanted >= 99" -- "${pair[@]}" --fail-if "accuracy<99"
grep -q "digits_ssa against" out.txt || fail "no report beside the exit code 4"
expect 4 "energy of digits_ssa is" -- "${pair[@]}" --fail-if "energy>0.5"
expect 4 "uJ, wanted <= 0.5; accuracy of digits_ssa" -- "${pair[@]}" --fail-if "energy>0.5" --fail-if "accuracy < 99"
expect 4 "accuracy_loss of loud" -- "$digits/dense.txtpb" loud.txtpb --input digits --samples 0:64 --fail-if "accuracy_loss>1"
expect 2 "'accurcy' is none of: accuracy, accuracy_loss" -- "${pair[@]}" --fail-if "accurcy<97"
expect 2 "'97%' is not a number" -- "${pair[@]}" --fail-if "accuracy<97%"
expect 2 "wanted NAME<NUMBER" -- "${pair[@]}" --fail-if "accuracy"
expect 2 "but accuracy of digits_ssa is not known" -- "$digits/dense.txtpb" "$digits/ssa.txtpb" --input random:2 --fail-if "accuracy<97"

# Usage and models that can't be.
expect 2 "wanted int8, qnn or qnn:BITS" -- "${pair[@]}" --against int4
expect 2 "wanted int8, qnn or qnn:BITS" -- "${pair[@]}" --against qnn:1
expect 2 "--against needs a dense model" -- "$digits/ssa.txtpb" --input digits --samples 0:2 --against int8
expect 2 "say qnn:BITS" -- "$digits/dense.txtpb" --input digits --samples 0:2 --against qnn
sed 's/op: "readout.mean"/op: "readout.sum"/' "$digits/ssa.txtpb" >sum.txtpb
expect 3 "has no readout.mean over T" -- sum.txtpb --input digits --samples 0:2 --over-steps

echo "compare: $count calls checked"
exit $bad
