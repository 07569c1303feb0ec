#!/usr/bin/env python3
# The common table: every attention mechanism on the digits test images, by volley.
#
#   python3 examples/common_table.py [volley]
#
# volley: the program, build/volley unless said.
import argparse
import glob
import json
import os
import subprocess

EXAMPLES = os.path.dirname(os.path.abspath(__file__))
FIRST = ["digits/dense", "digits/ssa", "digits/bsa"]  # the others by name
FOLDERS = ["spiking_family", "primal", "cat"]
OPERATIONS = ["add", "compare", "special", "neuron"]


def reads_digits(path):
    with open(path) as file:
        return 'name: "digits_' in file.read()


def models():
    paths = [os.path.join(EXAMPLES, name + ".txtpb") for name in FIRST]
    for folder in FOLDERS:
        paths += sorted(filter(reads_digits, glob.glob(os.path.join(EXAMPLES, folder, "*.txtpb"))))
    return paths


def report(*command):
    done = subprocess.run([*command, "--input", "digits", "--threads", "1", "--format", "json"], check=True,
                          stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def number(value, digits):
    return "-" if value is None else f"{value:.{digits}f}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("volley", nargs="?", default="build/volley")
    args = parser.parse_args()
    paths = models()
    columns = ["model", "T", "parameters", "accuracy %", "firing rate", "MAC", "AC", "shift", *OPERATIONS, "energy uJ",
               "with memory uJ", "ms", "values B", "membranes B"]
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    for path, row in zip(paths, report(args.volley, "compare", *paths)["models"]):
        totals = {entry["kind"]: entry["per_sample"] for entry in report(args.volley, "measure", path)["totals"]}
        cells = [row["model"].removeprefix("digits_"), row["steps"], row["parameters"],
                 number(row["accuracy_percent"], 2), number(row["firing_rate"], 3),
                 *(number(row[kind + "_per_sample"], 0) for kind in ("mac", "ac", "shift")),
                 *(number(totals[kind], 0) for kind in OPERATIONS), number(row["energy_uj_per_sample"], 3),
                 number(row["energy_with_memory_uj_per_sample"], 1), number(row["latency_ms"], 3),
                 row["activation_bytes"], row["state_bytes"]]
        print("| " + " | ".join(map(str, cells)) + " |")


if __name__ == "__main__":
    main()
