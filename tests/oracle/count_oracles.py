#!/usr/bin/env python3
"""Counts of volley against those of NeuroBench and SpikingJelly, on the same spikes.

    count_oracles.py [VOLLEY]        default: build/volley

Needs torch, numpy, neurobench 2.3 and spikingjelly 2; prints "skipped" and exits 77 where they are absent. The
tools are called sample by sample and step by step, as volley counts. Exits 1 where a count differs.
"""
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
    from neurobench.metrics.static import ConnectionSparsity, Footprint
    from neurobench.metrics.utils.layers import single_layer_MACs
    from spikingjelly.activation_based import op_counter
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)  # CTest counts it as skipped

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = 8


def read_safetensors(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            numbers = np.frombuffer(data[8 + size + begin:8 + size + end], np.float32)
            tensors[name] = torch.tensor(numbers.reshape(entry["shape"]))
    return tensors


def write_safetensors(path, tensors):
    header, blob = {}, b""
    for name, array in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(blob), len(blob) + array.nbytes]}
        blob += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + blob)


def nodes_of(graph):
    """name, op, inputs, attributes, weights of each node of a graph in text form."""
    for block in re.findall(r"^node \{\n(.*?)^\}", graph.read_text(), re.S | re.M):
        text = dict(re.findall(r'attr \{ name: "(\w+)" (?:number|text): "?([\w.]+)"? \}', block))
        yield (re.search(r'name: "([\w.]+)" op', block)[1], re.search(r'op: "([\w.]+)"', block)[1],
               re.findall(r'from: "([\w.]+)"', block), text,
               dict(re.findall(r'slot: "(\w+)" tensor: "([\w.]+)"', block)))


def volley_counts(volley, graph, data, recorded, folder):
    common = [graph, "--input", data, "--samples", f"0:{SAMPLES}", "-q"]
    subprocess.run([volley, "run", *common, "--record", ",".join(recorded), "-o", folder / "run.npz"],
                   check=True, stdout=subprocess.DEVNULL)
    report = json.loads(subprocess.run([volley, "measure", *common, "--counts", "neurobench,spikingjelly", "--format", "json"],
                                       check=True, stdout=subprocess.PIPE).stdout)
    return dict(np.load(folder / "run.npz")), {row["node"]: row for row in report["counts"]}, report["neurobench"][0]


def spikingjelly(call):
    synops, macs = op_counter.SynOpCounter(), op_counter.MACCounter()
    with torch.no_grad(), op_counter.DispatchCounterMode([synops, macs]):
        call()
    return synops.get_total(), macs.get_total()


def neurobench(x, layer):
    with torch.no_grad():
        count, spiking = single_layer_MACs(x, layer)
    return (float(count), 0) if spiking else (0, float(count))


def each(value, has_steps):
    """The value of each step and sample, with a batch axis of 1."""
    steps = value if has_steps else value[None]
    for step in steps:
        for sample in step:
            yield torch.tensor(sample[None].astype(np.float32))


def layer_of(op, attributes, weights, tensors):
    weight = tensors[weights["weight"]]
    bias = tensors.get(weights.get("bias", ""))
    if op == "linear":
        layer = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    else:
        groups = int(attributes.get("groups", 1))
        layer = torch.nn.Conv2d(weight.shape[1] * groups, weight.shape[0], tuple(weight.shape[2:]),
                                stride=int(attributes.get("stride", 1)), padding=int(attributes.get("padding", 0)),
                                groups=groups, bias=bias is not None)
    layer.weight.data = weight
    if bias is not None:
        layer.bias.data = bias
    return layer


def attention_counts(values, heads):
    """The SSA of one sample and step; q, k, v are [1 N C]."""
    q, k, v = (value[0].reshape(value.shape[1], heads, -1).transpose(0, 1) for value in values)
    return spikingjelly(lambda: torch.bmm(torch.bmm(q, k.transpose(1, 2)), v))


def check(name, tool, wanted, row, rows):
    got = (row[f"{tool}_ac_per_sample"], row[f"{tool}_mac_per_sample"])
    equal = all(abs(a - b) < 1e-6 for a, b in zip(got, wanted))
    rows.append((name, tool, *wanted, *got, "equal" if equal else "DIFFERENT"))


def compare(volley, graph, data, without_steps, channels_last, rows):
    tensors = read_safetensors(graph.with_suffix(".safetensors"))
    nodes = [node for node in nodes_of(graph) if node[1] in ("linear", "conv2d", "attention.ssa")]
    recorded = sorted({source for node in nodes for source in node[2]} - {"x", "image"})
    with tempfile.TemporaryDirectory() as folder:
        values, counts, static = volley_counts(volley, graph, data, recorded, pathlib.Path(folder))
    if data != "digits":
        values.update(np.load(data))
    layers = []
    for name, op, sources, attributes, weights in nodes:
        samples = [list(each(values[source], source not in without_steps)) for source in sources]
        sums = {"spikingjelly": np.zeros(2), "neurobench": np.zeros(2)}
        if op == "attention.ssa":
            for parts in zip(*samples):
                sums["spikingjelly"] += attention_counts(parts, int(attributes["heads"]))
            del sums["neurobench"]
        else:
            layers.append(layer_of(op, attributes, weights, tensors))
            for x in samples[0]:
                x = x.permute(0, 3, 1, 2) if op == "conv2d" and channels_last else x
                sums["spikingjelly"] += spikingjelly(lambda: layers[-1](x))
                sums["neurobench"] += neurobench(x, layers[-1])
        for tool, total in sums.items():
            check(f"{graph.stem} {name}", tool, tuple(total / SAMPLES), counts[name], rows)
    net = type("Net", (), {"__net__": lambda self: torch.nn.Sequential(*layers)})()
    sparsity = ConnectionSparsity()(net)
    rows.append((f"{graph.stem} connection sparsity", "neurobench", sparsity, "", static["connection_sparsity"], "",
                 "equal" if abs(sparsity - static["connection_sparsity"]) < 1e-9 else "DIFFERENT"))
    named = sum(tensor.numel() for tensor in tensors.values()) - sum(p.numel() for layer in layers for p in layer.parameters())
    footprint = Footprint()(net) + 4 * named  # what is in no linear or conv2d layer
    rows.append((f"{graph.stem} footprint", "neurobench", footprint, "", static["footprint_bytes"], "",
                 "equal" if footprint == static["footprint_bytes"] else "DIFFERENT"))


CONVS = """format_version: 1
name: "convs" weights: "convs.safetensors"
input {
  name: "x" per_step: true form: BINARY
  shape { axis: "Y" size: 7 } shape { axis: "X" size: 6 } shape { axis: "C" size: 4 }
}
node {
  name: "first" op: "conv2d"
  in { from: "x" }
  attr { name: "padding" number: 1 }
  weight { slot: "weight" tensor: "first.weight" }
  weight { slot: "bias" tensor: "first.bias" }
}
node {
  name: "if" op: "neuron.if"
  in { from: "first" }
}
node {
  name: "second" op: "conv2d"
  in { from: "if" }
  attr { name: "padding" number: 1 } attr { name: "stride" number: 2 } attr { name: "groups" number: 2 }
  weight { slot: "weight" tensor: "second.weight" }
}
node {
  name: "third" op: "conv2d"
  in { from: "second" }
  weight { slot: "weight" tensor: "third.weight" }
}
output { name: "y" from: "third" }
"""


def write_convs(folder):
    """Three convolutions: with padding; strided and grouped; of real numbers. Some weights are 0."""
    rng = np.random.default_rng(7)
    sizes = {"first.weight": (8, 4, 3, 3), "first.bias": (8,), "second.weight": (6, 4, 3, 3), "third.weight": (5, 6, 2, 2)}
    weights = {name: rng.normal(size=size).astype(np.float32) for name, size in sizes.items()}
    for name in weights:
        if name.endswith("weight"):
            weights[name][rng.random(weights[name].shape) < 0.2] = 0
    (folder / "convs.txtpb").write_text(CONVS)
    write_safetensors(folder / "convs.safetensors", weights)
    np.savez(folder / "convs.npz", x=(rng.random((4, SAMPLES, 7, 6, 4)) < 0.3).astype(np.float32))


def main():
    volley = sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "volley"
    rows = []
    compare(volley, ROOT / "examples/digits/ssa.txtpb", "digits", {"patches", "mean", "pool", "readout"}, True, rows)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_convs(folder)
        compare(volley, folder / "convs.txtpb", str(folder / "convs.npz"), set(), True, rows)
    print(f"{'layer':36} {'tool':13} {'its AC':>11} {'its MAC':>9} {'our AC':>11} {'our MAC':>9}")
    for name, tool, *numbers, verdict in rows:
        ac, mac, our_ac, our_mac = numbers
        print(f"{name:36} {tool:13} {ac:>11} {mac:>9} {our_ac:>11} {our_mac:>9}  {verdict}")
    bad = sum(row[-1] != "equal" for row in rows)
    print(f"{len(rows) - bad} of {len(rows)} equal, {SAMPLES} samples")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
