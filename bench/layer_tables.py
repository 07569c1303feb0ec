# Tables of docs/performance.md: a spiking layer beside the dense products of oneDNN, all in one run.
"""python3 bench/layer_tables.py build/bench/volley_layer_bench [--filter REGEX] [--repetitions N] [--out FILE.json]

Runs the benchmark with its lines in random order, several times over, and prints the medians of processor time as
markdown: times, and ratios to oneDNN float32 and u8s8.
"""
import argparse
import collections
import json
import os
import statistics
import subprocess
import sys

KERNELS = ("gather", "gather_i8")


def run(program, pattern, repetitions):
    command = [program, "--benchmark_format=json", "--benchmark_enable_random_interleaving=true",
               f"--benchmark_repetitions={repetitions}", "--benchmark_min_time=0.05", f"--benchmark_filter={pattern}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    print("running " + " ".join(command), file=sys.stderr)
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)


def medians(result):
    """{(layer, rate): {kernel: processor time [us]}}"""
    times = collections.defaultdict(list)
    for line in result["benchmarks"]:
        if line["run_type"] == "iteration":
            layer, _, rest = line["name"].partition("/rate=")
            rate, kernel = rest.split("/")[:2]
            times[layer, float(rate), kernel].append(line["cpu_time"])
    rows = collections.defaultdict(dict)
    for (layer, rate, kernel), spent in times.items():
        rows[layer, rate][kernel] = statistics.median(spent)
    return rows


def print_table(rows):
    print("| layer, rows M, rates | mean rate | f32 [us] | i8 [us] | oneDNN f32 [us] | oneDNN u8s8 [us] | f32 over oneDNN f32 "
          "| i8 over oneDNN f32 | i8 over u8s8 |")
    print("|---|---|---|---|---|---|---|---|---|")
    for (layer, rate), kernels in sorted(rows.items()):
        size, tokens, kind = layer.split("/")
        real, byte = (kernels[name] for name in KERNELS)
        dense, narrow = kernels["onednn_f32"], kernels["onednn_u8s8"]
        print(f"| {size.replace('x', ' -> ')}, {tokens}, {kind} | {rate:g} | {real:.0f} | {byte:.0f} | {dense:.0f} "
              f"| {narrow:.0f} | {dense / real:.1f} | {dense / byte:.1f} | {narrow / byte:.1f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--filter", default=".")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--out", help="keep the benchmark's JSON here")
    arguments = parser.parse_args()
    result = run(arguments.program, arguments.filter, arguments.repetitions)
    if arguments.out:
        with open(arguments.out, "w") as file:
            json.dump(result, file, indent=1)
    context = result["context"]
    print(f"{context['date']}, {context['num_cpus']} processors, load {context.get('load_avg')}, "
          f"medians of {arguments.repetitions} [us of processor time]\n")
    print_table(medians(result))


if __name__ == "__main__":
    main()
