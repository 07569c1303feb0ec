#!/usr/bin/env bash
# The command line: what it prints, what it refuses, and with which exit code.  cli_test.sh VOLLEY SOURCE_DIR
set -uo pipefail
subcommand=()
source "$(dirname "$0")/expect.sh"
volley=$1
source=$2

digits=$source/examples/digits
lif=$source/tests/data/cli/lif.txtpb
array=$source/tests/data/cli/lif.npz

expect 2 "" --
expect 0 "runs spiking transformers" -- --help
expect 0 "0." -- --version
for command in run measure compare inspect profiles published doctor build; do
  expect 0 "Example: volley $command" -- $command --help
done

# What must work.
expect 0 "accuracy" -- run "$digits/ssa.txtpb" --input digits --samples 0:8
expect 0 "i8 [T=5 B=2 C=65]" -- run "$lif" --input "$array" --output lif_out.npz
expect 0 "" -- run "$digits/bsa.txtpb" --input digits --samples 3:5 --record block0.attn:score,block0.q -o run.npz
[ -s run.npz ] || { echo "FAILED: run.npz is missing"; bad=1; }
expect 0 "energy_uj_per_sample" -- measure "$digits/ssa.txtpb" --input digits --samples 0:4
expect 0 "Lemaire, spiking layers" -- measure "$digits/ssa.txtpb" --input digits --samples 0:4 --energy-models
expect 0 "" -- measure "$digits/bsa.txtpb" --input digits --samples 0:2 --html measure.html
grep -q "block0.attn" measure.html || { echo "FAILED: measure.html"; bad=1; }
expect 0 "" -- compare "$digits/dense.txtpb" "$digits/bsa.txtpb" --input digits --samples 0:2 --html compare.html
grep -q "against digits_dense" compare.html || { echo "FAILED: compare.html"; bad=1; }
expect 0 "block1.fc2" -- measure "$digits/ssa.txtpb" --input digits --samples 0:4 --per step
expect 0 '"schema": "volley.measure/1"' -- measure "$digits/ssa.txtpb" --input digits --samples 0:4 --format json
expect 0 "spikingjelly" -- measure "$digits/ssa.txtpb" --input digits --samples 0:4 --counts all
expect 0 "neurobench has no count for: block0.attn, block1.attn" -- measure "$digits/ssa.txtpb" --input digits --samples 0:4 --counts neurobench
expect 0 '"head": 3' -- measure "$digits/ssa.txtpb" --input digits --samples 0:4 --per head --format json
expect 0 '"executed_ac": 808032.0' -- measure "$digits/ssa.txtpb" --input digits --samples 0:4 --per sample --format json
expect 0 '"layer": "block1"' -- measure "$digits/ssa.txtpb" --input digits --samples 0:4 --per layer --format json
expect 0 "counting: papers (rate x FLOPs" -- measure "$digits/bsa.txtpb" --input digits --samples 0:4 --energy-counts papers
expect 2 "no counting convention is named 'sops', wanted all or: executed, event" -- measure "$digits/ssa.txtpb" --input digits --counts executed,sops
expect 2 "no counting convention is named 'joules'" -- measure "$digits/ssa.txtpb" --input digits --energy-counts joules
expect 0 "against" -- compare "$digits/dense.txtpb" "$digits/bsa.txtpb" --input digits --samples 0:8 -o compare.json
grep -q '"energy_uj_per_sample"' compare.json || { echo "FAILED: compare.json"; bad=1; }
expect 0 "refused" -- inspect "$digits/bsa.txtpb"
expect 0 "digraph" -- inspect "$digits/bsa.txtpb" --dot
expect 0 "max_shift" -- inspect --op attention.bipolar
expect 0 "horowitz45-int8" -- profiles list
expect 0 "lies inside the price of ac" -- profiles show truenorth-2014
expect 0 '"kind": "unknown"' -- profiles show horowitz45-fp32 --format json
expect 0 "unverified_values: 0" -- profiles check "$source/sim/measure/profiles/neuromc-32nm.txtpb"
expect 0 "the MAC term of dim 512" -- published
expect 0 '"schema": "volley.published/1"' -- published --format json
expect 0 "cpu_features" -- doctor
expect 0 "9 324 730" -- build --list
expect 0 "hidden width over width" -- build qkformer --list
expect 0 "parameters: " -- build sdt-v1 --set dim=32 --set heads=4 --set image=16 --seed 3 -o built.txtpb
expect 0 "samples: 2" -- run built.txtpb --input random:2
expect 0 "block.1" -- measure built.txtpb --input random:1 --counts executed --per layer
expect 0 "samples: 2" -- run spikformer:dim=32,heads=4,depth=1,image=16 --input random:2

# The results go to stdout, the rest to stderr: stdout of a JSON run is JSON from the first to the last byte.
"$volley" run "$digits/ssa.txtpb" --input digits --samples 0:4 --format json >json.txt 2>/dev/null
[ "$(head -c 1 json.txt)" = "{" ] && [ "$(tail -c 2 json.txt)" = "}" ] || { echo "FAILED: json on stdout"; bad=1; }

# The same counts at any thread count, batch and executor.
"$volley" measure "$digits/bsa.txtpb" --input digits --samples 0:16 >one.txt
"$volley" measure "$digits/bsa.txtpb" --input digits --samples 0:16 --threads 1 --batch 3 --executor stepped >two.txt
cmp -s one.txt two.txt || { echo "FAILED: counts depend on threads, batch or executor"; diff one.txt two.txt | head; bad=1; }
"$volley" measure "$digits/bsa.txtpb" --input digits --samples 0:16 --counts all >one.txt
"$volley" measure "$digits/bsa.txtpb" --input digits --samples 0:16 --counts all --threads 1 --batch 3 --executor stepped >two.txt
cmp -s one.txt two.txt || { echo "FAILED: conventions depend on threads, batch or executor"; diff one.txt two.txt | head; bad=1; }

# Weights in 8 bits too, of layers with graded inputs (spikformer) and without, fused or not, in lists or in buckets.
for model in "$digits/bsa.txtpb --input digits --samples 0:16" "spikformer:dim=64,heads=4,depth=1,image=16 --input random:3"; do
  # shellcheck disable=SC2086  # words
  "$volley" run $model --weights i8 --threads 2 --batch 16 -o one.npz >/dev/null
  for how in "--executor stepped --batch 3" "--executor event_driven --threads 1" "--kernel linear=reference --kernel conv2d=reference"; do
    # shellcheck disable=SC2086
    "$volley" run $model --weights i8 $how -o two.npz >/dev/null
    cmp -s one.npz two.npz || { echo "FAILED: $model --weights i8 depends on $how"; bad=1; }
  done
  # shellcheck disable=SC2086
  "$volley" run $model -o two.npz >/dev/null
  cmp -s one.npz two.npz && { echo "FAILED: --weights i8 changes nothing in $model"; bad=1; }
done
expect 0 "gather_i8" -- inspect "$digits/ssa.txtpb" --weights i8
expect 0 "embed stays float32: it reads real numbers" -- inspect "$digits/ssa.txtpb" --weights i8
expect 2 "--weights" -- run "$digits/ssa.txtpb" --input digits --weights i4

# Usage: exit 2.
expect 2 "--steps" -- run "$digits/ssa.txtpb" --input digits -T many
expect 2 "-T is 0" -- run "$digits/ssa.txtpb" --input digits -T 0
expect 2 "--threads" -- run "$digits/ssa.txtpb" --input digits --threads 0
expect 2 "--batch is 0" -- run "$digits/ssa.txtpb" --input digits --batch 0
expect 2 "samples 300:400" -- run "$digits/ssa.txtpb" --input digits --samples 300:400
expect 2 "wanted a:b" -- run "$digits/ssa.txtpb" --input digits --samples a:b
expect 2 "T is 9" -- run "$lif" --input "$array" -T 9
expect 2 "--record needs --output" -- run "$lif" --input "$array" --record neuron
expect 2 "volley comes with: horowitz45-fp16" -- measure "$lif" --input "$array" --profile moon
expect 2 "wanted one of: gather, gather_i8, dense, reference" -- run "$lif" --input "$array" --kernel linear=magic
expect 2 "did you mean 'linear'" -- run "$lif" --input "$array" --kernel linea=gather
expect 2 "spikformer: heads is 5" -- inspect spikformer:heads=5
expect 2 "no family is named 'resnet'" -- build resnet -o none.txtpb
expect 2 "no family is named 'resnet'" -- build resnet --list
expect 2 "size is 'huge', wanted one of: imagenet-s" -- build sdt-v3 --size huge -o none.txtpb
expect 2 "depth, classes and channels must be 1 or more" -- build sdt-v1 --set depth=0 -o none.txtpb
expect 2 "'depth' is not KEY=VALUE" -- build sdt-v1 --set depth -o none.txtpb
expect 2 "wants -o" -- build sdt-v1
expect 2 "wants a FAMILY" -- build -o none.txtpb
[ ! -e none.txtpb ] && [ ! -e none.safetensors ] || { echo "FAILED: a refused model was written"; bad=1; }

# Malformed or unsupported: exit 3, the file is named.
expect 3 "can't open" -- run "$scratch/nowhere.txtpb" --input digits
expect 3 "can't open" -- profiles check "$scratch/nowhere.txtpb"
printf 'format_version: 1 id: "p" price { op: "ac" value_pj: 1 kind: "published" }' >sourceless.txtpb
expect 3 "price of 'ac': source is missing" -- profiles check sourceless.txtpb
expect 2 "and volley comes with" -- profiles show nothing
expect 2 "" -- profiles
expect 3 "holds NaN at index 202" -- run "$lif" --input "$source/tests/data/cli/nan.npz"
expect 3 "has no array 'x'" -- run "$lif" --input run.npz
expect 2 "no node or input is named 'neuro'" -- run "$lif" --input "$array" --record neuro -o a.npz
cp "$digits/ssa.txtpb" . && head -c 1000 "$digits/ssa.safetensors" >ssa.safetensors
expect 3 "ssa.safetensors" -- run ssa.txtpb --input digits
sed 's/neuron\.lif/neuron.leaf/' "$digits/ssa.txtpb" >leaf.txtpb
cp "$digits/ssa.safetensors" ssa.safetensors
expect 3 "unknown op 'neuron.leaf'" -- run leaf.txtpb --input digits
sed '0,/in { from: "patches" }/s//in { from: "encode" }/' "$digits/ssa.txtpb" >cycle.txtpb
expect 3 "cycle without delay" -- run cycle.txtpb --input digits
[ -e a.npz ] && { echo "FAILED: a refused run left a.npz"; bad=1; }

echo "cli: $count calls checked"
exit $bad
