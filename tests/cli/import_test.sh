#!/usr/bin/env bash
# volley import, export, build: exit codes and what they say.  import_test.sh VOLLEY SOURCE_DIR
set -uo pipefail
subcommand=()
source "$(dirname "$0")/expect.sh"
volley=$1
source=$2

works() { # arguments of volley: it ends well, whatever it says
  count=$((count + 1))
  "$volley" "$@" >out.txt 2>err.txt || { fail "volley $*: exit $?"; head -5 err.txt; }
}
there() { # FILE: it is there and not empty
  count=$((count + 1))
  [ -s "$1" ] || fail "$1 is not there"
}
absent() { # FILE
  count=$((count + 1))
  [ ! -e "$1" ] || fail "$1 is there"
}

# --- build ---
small=(--set dim=32 --set heads=2 --set image=16 --set depth=4)
expect 0 "parameters" -- build qkformer "${small[@]}" -o qk.txtpb
there qk.safetensors
expect 0 "neuron.lif_over_batch" -- inspect qkformer:dim=32,heads=2,image=16,proj_lif=over_batch
expect 2 "no family is named" -- build qkformr -o no.txtpb
expect 2 "dimm" -- build qkformer --set dimm=3 -o no.txtpb
expect 2 "build wants -o" -- build qkformer
expect 1 "no/such/folder" -- build qkformer "${small[@]}" -o no/such/folder/m.txtpb

# Checkpoints from what was built: the keys are those of the authors' code.
"$volley" build spikformer --set dim=32 --set heads=2 --set image=16 --set depth=1 -o spik.txtpb >/dev/null
"$volley" build sdt-v1 --set dim=32 --set heads=2 --set image=16 --set depth=1 -o sdt.txtpb >/dev/null
python3 - <<'PY'
import json, pickle, struct, zipfile

def read(path):
    raw = open(path, "rb").read()
    size, = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8:8 + size])
    header.pop("__metadata__", None)
    return {name: (entry["shape"], raw[8 + size:][slice(*entry["data_offsets"])]) for name, entry in header.items()}

def write(path, tensors):
    header, at = {}, 0
    for name, (shape, numbers) in tensors.items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + len(numbers)]}
        at += len(numbers)
    text = json.dumps(header).encode()
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + b"".join(n for _, n in tensors.values()))

one = ([1], struct.pack("<f", 1))
spik = read("spik.safetensors")
write("prefixed.safetensors", {"module." + name: tensor for name, tensor in spik.items()})
write("norms.safetensors", dict(spik, **{"block.0.norm1.weight": one}))
write("missing.safetensors", {name: tensor for name, tensor in spik.items() if name != "block.0.attn.q_bn.bias"})
write("unknown.safetensors", dict(spik, **{"block.0.attn.extra.weight": one}))
write("nan.safetensors", dict(spik, **{"head.bias": (spik["head.bias"][0], struct.pack("<f", float("nan")) * 10)}))
sdt = read("sdt.safetensors")  # the keys of V1 and of STAtten, in which the convolution is never called
write("sdt.safetensors", dict(sdt, **{"block.0.attn.talking_heads.weight": ([2, 2, 1], struct.pack("<f", 0) * 4)}))
whole = open("spik.safetensors", "rb").read()
open("cut.safetensors", "wb").write(whole[:-4])

class Attack:
    def __reduce__(self):
        return (__import__("os").system, ("touch was_here",))

def checkpoint(path, root):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", pickle.dumps(root, 2))
        archive.writestr("m/byteorder", "little")
checkpoint("attack.pt", Attack())
checkpoint("attack_inside.pt", {"state_dict": {"w": Attack()}, "epoch": 3})
with zipfile.ZipFile("other.pt", "w") as archive:
    archive.writestr("readme", "no checkpoint")
open("text.pt", "w").write("no archive")
PY

# --- import of checkpoints ---
known=(--config heads=2 --config image=16)
expect 0 "volley import checkpoint-199.pth.tar" -- import --help
expect 0 "spikformer-cifar" -- import spik.safetensors "${known[@]}" -o a.txtpb
there a.safetensors
expect 0 "spikformer-cifar" -- import prefixed.safetensors "${known[@]}" -o b.txtpb
expect 0 "unused-norms" -- import norms.safetensors "${known[@]}" -o c.txtpb
expect 0 "published_quirk" -- inspect c.txtpb
expect 3 "no published size" -- import spik.safetensors -o no.txtpb
expect 2 "unknown family" -- import spik.safetensors --family spikfomer -o no.txtpb
expect 3 "the keys are those of none of: qkformer" -- import spik.safetensors --family qkformer -o no.txtpb
expect 3 "the file does not say which; give --family" -- import sdt.safetensors -o no.txtpb
expect 0 "statten" -- import sdt.safetensors --family statten --config heads=2 --config image=16 -o d.txtpb
expect 3 "block.0.attn.q_bn.bias" -- import missing.safetensors "${known[@]}" -o no.txtpb
expect 0 "missing" -- import missing.safetensors "${known[@]}" --allow-missing -o e.txtpb
expect 3 "block.0.attn.extra.weight" -- import unknown.safetensors "${known[@]}" -o no.txtpb
expect 2 "headz" -- import spik.safetensors "${known[@]}" --config headz=2 -o no.txtpb
expect 3 "'head.bias' holds nan" -- import nan.safetensors "${known[@]}" -o no.txtpb
expect 3 "cut.safetensors" -- import cut.safetensors "${known[@]}" -o no.txtpb
expect 3 "missing.pt: can't open" -- import missing.pt -o no.txtpb
expect 3 "no ZIP archive" -- import text.pt -o no.txtpb
expect 3 "without NAME/data.pkl" -- import other.pt -o no.txtpb
expect 3 "system" -- import attack.pt -o no.txtpb
expect 3 "tensors" -- import attack_inside.pt -o no.txtpb
expect 2 "output is required" -- import spik.safetensors
expect 1 "no/such/folder" -- import spik.safetensors "${known[@]}" -o no/such/folder/m.txtpb
absent was_here
absent no.txtpb
absent no.safetensors

# --- quirks ---
expect 0 "not followed" -- import qk.safetensors "${known[@]}" -o quiet.txtpb
expect 0 "followed" -- import qk.safetensors "${known[@]}" --compat proj-lif-over-batch -o batch.txtpb
expect 0 "lif_over_batch" -- inspect batch.txtpb
expect 0 "proj-lif-over-batch of the authors' code: not followed" -- inspect quiet.txtpb
expect 2 "wanted proj-lif-over-batch" -- import qk.safetensors "${known[@]}" --compat proj-lif -o no.txtpb
expect 2 "nothing to follow" -- import spik.safetensors "${known[@]}" --compat unused-norms -o no.txtpb
expect 2 "--config says proj_lif=per_sample" -- import qk.safetensors "${known[@]}" --config proj_lif=per_sample \
  --compat proj-lif-over-batch -o no.txtpb

# --- export, and what is exported read again ---
works export a.txtpb --to safetensors -o again.safetensors
expect 0 "spikformer-cifar" -- import again.safetensors "${known[@]}" -o again.txtpb
works export a.txtpb --to dot -o a.dot
works export a.txtpb --to json -o a.json
expect 3 "a.txtpb" -- export a.txtpb --to nir -o a.nir
absent a.nir
works import "$source/tests/data/nir/cnn.nir" --dt 1e-3 -o cnn.txtpb
works export cnn.txtpb --to nir --dt 1e-3 -o cnn.nir
works import cnn.nir --dt 1e-3 -o cnn2.txtpb
expect 2 "--to" -- export a.txtpb --to onnx -o a.onnx
head -c 4000 "$source/tests/data/nir/cnn.nir" >cut.nir
expect 3 "cut.nir" -- import cut.nir -o no.txtpb
absent no.txtpb

# What was imported is what was built: the same spikes of the same image.
for model in spik a b again; do
  works run $model.txtpb -i random:2 -T 2 --record block.0.attn.attn_lif -o $model.npz
done
for model in a b again; do
  count=$((count + 1))
  cmp -s spik.npz $model.npz || fail "$model.npz differs from spik.npz"
done

echo "import: $count commands checked"
exit $bad
