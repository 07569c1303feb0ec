#!/usr/bin/python3
# Times Spikformer in volley and in PyTorch (dense float32), alternating, in one run on one machine.
"""bench/spikformer_torch.py VOLLEY [--depth 4 --dim 384 --heads 12 --image 32 --steps 4 --batches 1 8 --threads 1]

The peer is a tuned one: batch norm folded into the layer in front of it, the first convolution computed once and
not once a step, LIF in place over all steps, all steps of a layer in one call. Weights are random on both sides: the
time of the dense peer does not depend on them, and volley prints its firing rates with `volley measure`.
"""
import argparse
import json
import statistics
import subprocess
import time

import torch
import torch.nn.functional as F


def lif(current, steps, threshold=1.0):
    """LIF, tau 2, decay_input, hard reset: [T*B, ...] currents to spikes, in place."""
    x = current.view(steps, -1)
    v = torch.zeros_like(x[0])
    for t in range(steps):
        v.add_(x[t].sub_(v), alpha=0.5)
        torch.ge(v, threshold, out=x[t])
        v.mul_(1.0 - x[t])
    return current


class Spikformer:
    """Spikformer (CIFAR) with folded batch norms and random weights."""

    def __init__(self, depth, dim, heads, image, classes):
        def weight(*sizes):
            return torch.randn(*sizes) * 0.05

        self.heads, self.dim = heads, dim
        widths = [3, dim // 8, dim // 4, dim // 2, dim, dim]
        self.convs = [(weight(o, i, 3, 3), torch.zeros(o)) for i, o in zip(widths, widths[1:])]
        self.blocks = [
            {
                name: (weight(o, i), torch.zeros(o))
                for name, i, o in [("q", dim, dim), ("k", dim, dim), ("v", dim, dim), ("proj", dim, dim),
                                   ("fc1", dim, 4 * dim), ("fc2", 4 * dim, dim)]
            }
            for _ in range(depth)
        ]
        self.head = (weight(classes, dim), torch.zeros(classes))

    def stem(self, image, steps):
        x = F.conv2d(image, *self.convs[0], padding=1)
        x = lif(x.repeat(steps, 1, 1, 1), steps)
        for i, pool in [(1, False), (2, True), (3, True)]:
            x = lif(F.conv2d(x, *self.convs[i], padding=1), steps)
            if pool:
                x = F.max_pool2d(x, 3, 2, 1)
        x = x + lif(F.conv2d(x, *self.convs[4], padding=1), steps)
        return x.flatten(2).transpose(1, 2).contiguous()

    def attention(self, q, k, v):
        shape = (q.shape[0], q.shape[1], self.heads, self.dim // self.heads)
        q, k, v = (x.view(shape).transpose(1, 2) for x in (q, k, v))
        y = (q @ k.transpose(-2, -1)) @ v
        return y.mul_(0.125).transpose(1, 2).reshape(shape[0], shape[1], self.dim)

    def __call__(self, image, steps):
        x = self.stem(image, steps)
        for block in self.blocks:
            q, k, v = (lif(F.linear(x, *block[name]), steps) for name in "qkv")
            y = lif(self.attention(q, k, v), steps, 0.5)
            x = x + lif(F.linear(y, *block["proj"]), steps)
            y = lif(F.linear(x, *block["fc1"]), steps)
            x = x + lif(F.linear(y, *block["fc2"]), steps)
        tokens = x.view(steps, -1, *x.shape[1:]).mean((0, 2))
        return F.linear(tokens, *self.head)


def volley_ms(options, batch, samples, weights):
    """Wall time per image inside the executor, as `volley run` reports it [ms]."""
    model = f"spikformer:depth={options.depth},dim={options.dim},heads={options.heads},image={options.image}"
    command = [options.volley, "run", model, "--input", f"random:{samples}", "-T", str(options.steps), "--batch",
               str(batch), "--threads", str(options.threads), "--weights", weights, "--format", "json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["latency_ms"]


def torch_ms(model, options, batch, samples):
    images = torch.rand(samples, 3, options.image, options.image)
    with torch.inference_mode():
        model(images[:batch], options.steps)
        begin = time.perf_counter()
        for first in range(0, samples, batch):
            model(images[first:first + batch], options.steps)
        return (time.perf_counter() - begin) * 1e3 / samples


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("volley")
    for name, value in [("depth", 4), ("dim", 384), ("heads", 12), ("image", 32), ("steps", 4), ("threads", 1),
                        ("rounds", 5)]:
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    model = Spikformer(options.depth, options.dim, options.heads, options.image, 10)
    print(f"torch {torch.__version__}, {options.threads} thread(s), medians of {options.rounds} rounds [ms per image]")
    for batch in options.batches:
        samples = 8 * batch if batch < 8 else 2 * batch
        real, byte, theirs = [], [], []
        for _ in range(options.rounds):
            real.append(volley_ms(options, batch, samples, "f32"))
            byte.append(volley_ms(options, batch, samples, "i8"))
            theirs.append(torch_ms(model, options, batch, samples))
        a, b, c = (statistics.median(times) for times in (real, byte, theirs))
        print(f"batch {batch}: volley f32 {a:.1f}  i8 {b:.1f}  torch {c:.1f}  "
              f"torch over f32 {c / a:.2f}  over i8 {c / b:.2f}", flush=True)


if __name__ == "__main__":
    main()
