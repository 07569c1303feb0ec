# Files of a graph of one node: text, weights, inputs and what is wanted.
import json
import os
import struct

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def write_weights(path, weights):
    header, data = {}, b""
    for name, array in weights.items():
        raw = np.ascontiguousarray(array, "<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def attribute(name, value):
    if isinstance(value, list):
        return 'attr { name: "%s" %s }' % (name, " ".join(f"list: {x}" for x in value))
    kind = "flag" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
    word = f'"{value}"' if kind == "text" else str(value).lower()
    return f'attr {{ name: "{name}" {kind}: {word} }}'


def write(name, op, inputs, wanted, attr=None, weights=None, tolerance=0.0):
    """inputs: name -> (array [T B ...], form, axes); wanted: output -> array, the first as the node itself."""
    lines = [f"# {op} alone; written by make_ops.py.", "format_version: 1", f'name: "{name}"']
    if weights:
        lines.append(f'weights: "{name}.safetensors"')
        write_weights(os.path.join(HERE, name + ".safetensors"), weights)
    arrays = {"tolerance": np.array([tolerance])}
    for source, (array, form, axes) in inputs.items():
        levels = f" levels: {form[6:]}" if form.startswith("GRADED") else ""
        shape = " ".join(f'shape {{ axis: "{a}" size: {n} }}' for a, n in zip(axes, array.shape[2:]))
        lines += ["input {", f'  name: "{source}" form: {form[:6] if levels else form}{levels} per_step: true',
                  f"  {shape}", "}"]
        arrays[source] = array.astype(np.float32 if form == "DENSE" else np.int8)
        assert np.array_equal(arrays[source], array), (name, source)
    lines += ["node {", f'  name: "node" op: "{op}"', "  " + " ".join(f'in {{ from: "{s}" }}' for s in inputs)]
    lines += ["  " + attribute(key, value) for key, value in (attr or {}).items()]
    lines += [f'  weight {{ slot: "{slot}" tensor: "{slot}" }}' for slot in weights or {}]
    lines.append("}")
    for i, (output, array) in enumerate(wanted.items()):
        lines.append(f'output {{ name: "{output}" from: "node{"" if i == 0 else ":" + output}" }}')
        arrays["wanted" if i == 0 else "wanted_" + output] = array
    with open(os.path.join(HERE, name + ".txtpb"), "w") as file:
        file.write("\n".join(lines) + "\n")
    np.savez_compressed(os.path.join(HERE, name + ".npz"), **arrays)


def dense(array, axes="NC"):
    return array, "DENSE", axes


def binary(array, axes="NC"):
    return array, "BINARY", axes


def bipolar(array, axes="NC"):
    return array, "BIPOLAR", axes
