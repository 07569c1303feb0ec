# Bipolar attention with its parts exchanged: binary or ternary q and k; none, softmax or Shiftmax.
import torch
from torch import nn

from attention import Shiftmax, join_heads, split_heads
from layers import LinearNorm
from neurons import lif, tsn


class Bipolar(nn.Module):
    """spikes: ternary (TSN) or binary (LIF) q and k; v stays real and the output ternary in either.
    normalise: shiftmax, softmax (base e) or none (then the output is `scale` times the sum).
    max_shift: Shiftmax entries 2^-n with n above it are 0, in training too; None cuts none."""
    spiking = True

    def __init__(self, width, heads, tokens, spikes="ternary", normalise="shiftmax", max_shift=8, qk_threshold=None,
                 out_threshold=1.0, scale=0.125):
        super().__init__()
        assert spikes in ("ternary", "binary") and normalise in ("shiftmax", "softmax", "none")
        self.heads, self.spikes, self.normalise, self.scale = heads, spikes, normalise, scale
        self.max_shift = max_shift if normalise == "shiftmax" else None
        self.qk_threshold = qk_threshold or {"ternary": 1.5, "binary": 1.0}[spikes]
        self.out_threshold = out_threshold
        self.about = f"bipolar attention, {spikes} q and k, {normalise}"
        self.q, self.k, self.v = (LinearNorm(width, width) for _ in range(3))

    def fire(self, x):
        return (tsn if self.spikes == "ternary" else lif)(x, threshold=self.qk_threshold)

    def mixed(self, score, v):
        if self.normalise == "shiftmax":
            return Shiftmax.apply(score, self.max_shift) @ v
        if self.normalise == "softmax":
            return torch.softmax(score, -1) @ v
        return score @ v * self.scale

    def forward(self, z, record, name):
        q, k = (record(f"{name}.{letter}", self.fire(getattr(self, letter)(z))) for letter in "qk")
        q, k, v = (split_heads(x, self.heads) for x in (q, k, self.v(z)))
        y = join_heads(self.mixed(q @ k.transpose(-1, -2), v))
        return record(name + ".attn.tsn", tsn(y, threshold=self.out_threshold))

    def write(self, graph, z, name):
        neuron = graph.ternary if self.spikes == "ternary" else graph.lif
        q, k = (neuron(f"{name}.{letter}", graph.linear(f"{name}.{letter}.linear", z, getattr(self, letter)),
                       self.qk_threshold) for letter in "qk")
        v = graph.linear(name + ".v", z, self.v)
        attributes = {"heads": self.heads}
        if self.normalise != "shiftmax":
            attributes["normalise"] = self.normalise
        if self.max_shift is not None:
            attributes["max_shift"] = self.max_shift
        y = graph.node(name + ".attn", "attention.bipolar", [q, k, v], attributes)
        # a TSN with a threshold 1/scale times as high fires as one on scale times the sum
        threshold = self.out_threshold / (self.scale if self.normalise == "none" else 1)
        return graph.ternary(name + ".attn.tsn", y, threshold)
