#!/usr/bin/env bash
# volley verify: exit codes, the place of a flip, the JSON.  verify_test.sh VOLLEY SOURCE_DIR CHECK_REPORT
set -uo pipefail
subcommand=(verify)
source "$(dirname "$0")/expect.sh"
volley=$1
source=$2
check_report=$3

lif=$source/tests/data/cli/lif.txtpb
"$volley" run "$lif" --input "$source/tests/data/cli/lif.npz" -o run.npz >/dev/null 2>&1
# What it ran, under the names of a recording: as it is, with one spike flipped, with a name that is not there.
python3 - "$source/tests/data/cli/lif.npz" <<'PY'
import sys, zipfile
x, run = zipfile.ZipFile(sys.argv[1]).read("x.npy"), zipfile.ZipFile("run.npz")
spikes, v = run.read("s.npy"), run.read("v.npy")
place = len(spikes) - 5 * 2 * 65 + (3 * 2 + 1) * 65 + 7  # step 3, sample 1, neuron 7
flipped = spikes[:place] + bytes([1 - spikes[place]]) + spikes[place + 1:]
def write(path, entries):
    with zipfile.ZipFile(path, "w") as file:
        for name, data in entries.items():
            file.writestr(name + ".npy", data)
write("good.npz", {"x": x, "node/neuron": spikes, "output/v": v})
write("flipped.npz", {"x": x, "node/neuron": flipped, "output/v": v})
write("unknown.npz", {"x": x, "node/neurone": spikes})
PY

expect 0 "Example: volley verify" -- --help
expect 0 "nothing differs" -- "$lif" --golden good.npz
expect 0 "passes" -- "$lif" --golden good.npz --node-by-node
expect 4 "first mismatch: step 3, node 'neuron', sample 1, neuron 7 (C=7)" -- "$lif" --golden flipped.npz
expect 4 "|v - threshold|" -- "$lif" --golden flipped.npz --node-by-node --allow-ties
expect 3 "no node or input is named 'neurone'" -- "$lif" --golden unknown.npz
expect 2 "--allow-ties needs --node-by-node" -- "$lif" --golden good.npz --allow-ties
expect 2 "--golden is required" -- "$lif"
expect 3 "missing.npz" -- "$lif" --golden missing.npz

for golden in good flipped; do
  "$volley" verify "$lif" --golden $golden.npz --format json >$golden.json 2>/dev/null
  count=$((count + 1))
  "$check_report" $golden.json || bad=1
done
grep -q '"verdict": "fails"' flipped.json || { echo "FAILED: flipped.json"; bad=1; }

echo "verify: $count commands checked"
exit $bad
