#!/usr/bin/env python3
# Accuracy, silent scores, operations and energy of BSA against the cut-off of its shifts, beside SSA.
#
#   python3 examples/bipolar/cutoff.py digits|fashion [volley] [--samples a:b]
#
# The shipped weights of the data set, whatever the cut-off was in training; every figure is volley's.
import argparse
import json
import os
import re
import subprocess
import tempfile

EXAMPLES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CUTS = [None, 12, 8, 6, 4, 3, 2]
FRAC_BITS = [8, 4, 2]  # of Qm.n, at the cut-off of QMN_CUT
QMN_CUT = 6
CUT_ATTRIBUTE = re.compile(r' attr \{ name: "max_shift" number: \d+ \}')
HEADS_ATTRIBUTE = 'attr { name: "heads" number: 4 }'
HEAD_WIDTH = {"digits": 16, "fashion": 32}


def variants():
    """(name, attributes) of each row."""
    rows = [("BSA, all", {})] + [(f"BSA, n <= {cut}", {"max_shift": cut}) for cut in CUTS if cut]
    return rows + [(f"BSA, n <= {QMN_CUT}, Qm.{bits}",
                    {"max_shift": QMN_CUT, "arithmetic": "qmn", "frac_bits": bits}) for bits in FRAC_BITS]


def write_variant(folder, text, index, attributes):
    """A graph with these attributes in every attention node; its path."""
    added = "".join(f' attr {{ name: "{name}" text: "{value}" }}' if isinstance(value, str)
                    else f' attr {{ name: "{name}" number: {value} }}' for name, value in attributes.items())
    path = os.path.join(folder, f"{index}.txtpb")
    with open(path, "w") as file:
        file.write(CUT_ATTRIBUTE.sub("", text).replace(HEADS_ATTRIBUTE, HEADS_ATTRIBUTE + added))
    return path


def report(*command):
    done = subprocess.run([*command, "--quiet", "--format", "json"], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def attention(measured):
    """Sums over the attention nodes: additions, shifts, pairs x d, energy [nJ]."""
    nodes = [node for node in measured["nodes"] if node["op"] in ("attention.bipolar", "attention.ssa")]
    return {key: sum(node[key + "_per_sample"] for node in nodes)
            for key in ("ac", "shift", "dense_mac", "energy_nj")}


def row(name, compared, measured, silent):
    own = attention(measured)
    return (f"| {name} | {compared['accuracy_percent']:.2f} | {silent} | {own['ac']:,.0f} | {own['shift']:,.0f} "
            f"| {own['energy_nj'] / 1000:.3f} | {compared['ac_per_sample']:,.0f} | {compared['shift_per_sample']:,.0f} "
            f"| {compared['energy_uj_per_sample']:.3f} | {compared['energy_with_memory_uj_per_sample']:.1f} |")


def silent_percent(own, head_width):
    """P pairs and the Z that are not cut give P + Z d shifts; the dense product counts 2 P d."""
    pairs = own["dense_mac"] / 2 / head_width
    return 100 * (1 - (own["shift"] - pairs) / (pairs * head_width))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dataset", choices=sorted(HEAD_WIDTH))
    parser.add_argument("volley", nargs="?", default="build/volley")
    parser.add_argument("--samples", default=":")
    args = parser.parse_args()
    data = ["--input", args.dataset, "--samples", args.samples]
    shipped = os.path.join(EXAMPLES, args.dataset)
    print("| model | accuracy % | silent % | attention AC | attention shifts | attention uJ | AC | shifts | energy uJ "
          "| with memory uJ |\n" + "|---" * 10 + "|")
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(os.path.join(shipped, "bsa.safetensors"), os.path.join(folder, "bsa.safetensors"))
        with open(os.path.join(shipped, "bsa.txtpb")) as file:
            text = file.read()
        names = [name for name, _ in variants()] + ["SSA"]
        paths = [write_variant(folder, text, *entry) for entry in enumerate(a for _, a in variants())]
        paths.append(os.path.join(shipped, "ssa.txtpb"))
        models = report(args.volley, "compare", *paths, *data)["models"]
        for name, path, compared in zip(names, paths, models):
            measured = report(args.volley, "measure", path, *data)
            silent = "-" if name == "SSA" else f"{silent_percent(attention(measured), HEAD_WIDTH[args.dataset]):.1f}"
            print(row(name, compared, measured, silent))


if __name__ == "__main__":
    main()
