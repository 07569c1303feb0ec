#!/usr/bin/env python3
# How near the products of spikes come to the real q k^T, and what Shiftmax makes of them, on recorded values.
#
#   python3 examples/bipolar/diagnosis.py MODEL.txtpb DATA [volley] [--samples a:b]
#
# MODEL: a graph with blocks "block<i>" and attention.bipolar. Needs NumPy. volley records the currents of q and k,
# their spikes and the scores; the neuron that the model does not have is run here on the same currents.
import argparse
import os
import re
import subprocess
import tempfile

import numpy as np

DECAY = 0.5  # of a TSN's membrane


def record(volley, model, data, samples, names, folder):
    path = os.path.join(folder, "run.npz")
    subprocess.run([volley, "run", model, "--input", data, "--samples", samples, "--record", ",".join(names),
                    "-o", path, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return dict(np.load(path))


def attribute(text, node, name):
    body = re.search(r'name: "%s" op.*?\n}' % re.escape(node), text, re.S).group(0)
    found = re.search(r'"%s" (?:number|text): "?([^" }]*)' % name, body)
    return found and found.group(1)


def ternary(current, threshold):
    """TSN over axis 0."""
    membrane, spikes = np.zeros_like(current[0]), np.zeros_like(current)
    for t, x in enumerate(current):
        u = membrane + x
        spikes[t] = np.sign(u) * (np.abs(u) >= threshold)
        membrane = DECAY * u * (1 - np.abs(spikes[t]))
    return spikes


def binary(current, threshold):
    """The same membrane with one threshold only."""
    membrane, spikes = np.zeros_like(current[0]), np.zeros_like(current)
    for t, x in enumerate(current):
        u = membrane + x
        spikes[t] = u >= threshold
        membrane = DECAY * u * (1 - spikes[t])
    return spikes


def product(q, k, heads):
    """[T S N C] twice to [T S H N M]."""
    q, k = (x.reshape(*x.shape[:-1], heads, -1).swapaxes(-2, -3).astype(np.float64) for x in (q, k))
    return q @ k.swapaxes(-1, -2)


def row_correlation(a, b):
    """Mean over rows of the Pearson correlation along the keys; rows without variance are left out, their share."""
    a, b = a - a.mean(-1, keepdims=True), b - b.mean(-1, keepdims=True)
    spread = np.sqrt((a * a).sum(-1) * (b * b).sum(-1))
    lives = spread > 0
    return ((a * b).sum(-1)[lives] / spread[lives]).mean(), 100 * (1 - lives.mean())


def distribution(x):
    deviation = (x - x.mean()) / x.std()
    return (f"{x.mean():.2f} | {x.std():.2f} | {(deviation ** 3).mean():.2f} | {(deviation ** 4).mean() - 3:.2f} "
            f"| {np.percentile(x, 1):.1f} .. {np.percentile(x, 99):.1f} | {100 * (x == 0).mean():.1f}")


def shift_weights(score):
    """Shiftmax uncut: exact while a row's sum fits float64."""
    below = score - score.max(-1, keepdims=True)
    mantissa, exponent = np.frexp(np.exp2(below).sum(-1, keepdims=True))
    return np.exp2(below - exponent + (mantissa == 0.5))


def entropy(weights):
    """Bits of each row, as a distribution."""
    p = weights / weights.sum(-1, keepdims=True)
    return -(p * np.log2(np.where(p > 0, p, 1))).sum(-1)


def products_table(block, real, products, spiked):
    for name, x in products.items():
        pearson = np.corrcoef(real.ravel(), x.ravel())[0, 1]
        along, flat = row_correlation(real, x)
        sign = 100 * (np.sign(real) == np.sign(x)).mean()
        print(f"| {block} | {name}{' (the model)' if name == spiked else ''} | {pearson:.3f} | {along:.3f} "
              f"| {flat:.1f} | {sign:.1f} | {distribution(x)} |")
    print(f"| {block} | real | 1 | 1 | 0 | 100 | {distribution(real)} |")


def rows_table(block, q, score, recorded, uniform):
    weights = shift_weights(score)
    sums, cut_sums = weights.sum(-1), recorded.sum(-1)
    silent = 100 * (np.abs(q.reshape(*q.shape[:-1], score.shape[-3], -1)).sum(-1) == 0).mean()
    outside = ((sums <= 0.5) | (sums > 1)).sum()
    live = cut_sums > 0
    print(f"| {block} | {sums.min():.6f} .. {sums.max():g}, mean {sums.mean():.3f} | {outside} of {sums.size:,} "
          f"| {cut_sums.min():.3f} .. {cut_sums.max():g}, mean {cut_sums.mean():.3f} | {entropy(weights).mean():.2f} "
          f"| {entropy(recorded[live]).mean():.2f} | {uniform:.2f} | {100 * (recorded == 0).mean():.1f} | {silent:.1f} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("volley", nargs="?", default="build/volley")
    parser.add_argument("--samples", default="0:100")
    args = parser.parse_args()
    with open(args.model) as file:
        text = file.read()
    blocks = sorted(set(re.findall(r'name: "(block\d+)\.attn" op: "attention.bipolar"', text)))
    found, rows = {}, []
    with tempfile.TemporaryDirectory() as folder:
        names = [f"{b}.{part}" for b in blocks for part in ("q.linear", "k.linear", "q", "k", "attn:score")]
        found = record(args.volley, args.model, args.data, args.samples, names, folder)
    print("| block | product | correlation with the real q k^T | along a row, mean | flat rows % | same sign % | mean | std "
          "| skew | excess kurtosis | 1 .. 99 % | zero % |\n" + "|---" * 12 + "|")
    for b in blocks:
        heads = int(attribute(text, b + ".attn", "heads"))
        threshold = float(attribute(text, b + ".q", "threshold"))
        spiked = "ternary" if f'name: "{b}.q" op: "neuron.ternary"' in text else "binary"
        q, k = found[b + ".q.linear"], found[b + ".k.linear"]
        real = product(q, k, heads)
        own = product(found[b + ".q"], found[b + ".k"], heads)
        other_name, fire = ("binary", binary) if spiked == "ternary" else ("ternary", ternary)
        other = product(fire(q, threshold), fire(k, threshold), heads)
        products_table(b, real, {spiked: own, other_name: other}, spiked)
        rows.append((b, found[b + ".q"], own, found[b + ".attn:score"], np.log2(real.shape[-1])))
    print("\n| block | row sums, uncut | outside (0.5, 1] | row sums as the model cuts | entropy, bits | after the cut "
          "| uniform | cut % | silent query rows % |\n" + "|---" * 9 + "|")
    for row in rows:
        rows_table(*row)


if __name__ == "__main__":
    main()
