# The grid binary|ternary x none|softmax|shiftmax, several seeds each: mean, spread, count, and what it decides.
"""/usr/bin/python3 examples/train/ablation.py --dataset digits --seeds 0 1 2 [--set KEY=VALUE] [--results FILE.csv]

Accuracies of the trained models on the test split, before folding. Runs that FILE.csv holds already are not repeated.
"""
import argparse
import csv
import itertools
import math
import os
import statistics

from scipy import stats

import train

CONFIDENCE = 0.95
GRID = {f"{spikes} {normalise}": ("bipolar", {"spikes": spikes, "normalise": normalise})
        for spikes, normalise in itertools.product(("binary", "ternary"), ("none", "softmax", "shiftmax"))}
GRID["SSA"] = ("ssa", {})
CLAIM = "ternary shiftmax"


def read(path):
    """{(variant, seed): accuracy [%]} of the file's lines."""
    if not path or not os.path.exists(path):
        return {}
    with open(path) as file:
        return {(line[0], int(line[1])): float(line[2]) for line in csv.reader(file)}


def run(args, settings):
    found = read(args.results)
    for seed, variant in itertools.product(args.seeds, args.variants):
        if (variant, seed) in found:
            continue
        mechanism, own = GRID[variant]
        _, _, percent = train.fit(args.dataset, mechanism, seed, {**settings, **own}, args.hold_out)
        found[variant, seed] = percent
        print(f"{variant} seed {seed}: {percent:.2f}", flush=True)
        if args.results:
            with open(args.results, "a") as file:
                csv.writer(file).writerow([variant, seed, f"{percent:.4f}"])
    return {variant: [found[variant, seed] for seed in args.seeds] for variant in args.variants}


def difference(a, b):
    """(mean of a - mean of b, half the width of its confidence interval), Welch."""
    parts = [statistics.variance(x) / len(x) for x in (a, b)]
    error = math.sqrt(sum(parts))
    if error == 0:
        return statistics.mean(a) - statistics.mean(b), 0.0
    freedom = sum(parts) ** 2 / sum(part ** 2 / (len(x) - 1) for part, x in zip(parts, (a, b)))
    return statistics.mean(a) - statistics.mean(b), stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * error


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--variants", nargs="+", choices=list(GRID), default=list(GRID))
    parser.add_argument("--hold_out", action="store_true")
    parser.add_argument("--results")
    parser.add_argument("--set", type=train.setting, action="append", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    found = run(args, dict(args.set))
    print("| variant | accuracy % | mean | standard deviation | seeds | ternary shiftmax minus this |\n" + "|---" * 6 + "|")
    for variant, values in found.items():
        spread = f"{statistics.stdev(values):.2f}" if len(values) > 1 else "-"
        verdict = "-"
        if variant != CLAIM and CLAIM in found and len(values) > 1:
            mean, width = difference(found[CLAIM], values)
            decided = "undecided" if abs(mean) <= width else "better" if mean > 0 else "worse"
            verdict = f"{mean:+.2f} +- {width:.2f}, {decided}"
        print(f"| {variant} | {' / '.join(f'{v:.1f}' for v in values)} | {statistics.mean(values):.2f} | {spread} "
              f"| {len(values)} | {verdict} |")


if __name__ == "__main__":
    main()
