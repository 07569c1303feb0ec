# BSA: ternary q and k, exact Shiftmax, real v that is shifted.
from torch import nn

from attention import Shiftmax, join_heads, split_heads
from layers import LinearNorm
from neurons import tsn


class Bsa(nn.Module):
    """max_shift: Shiftmax entries 2^-n with n above it are 0, in training too; None cuts none."""
    spiking = True
    about = "BSA attention, ternary q and k"

    def __init__(self, width, heads, tokens, max_shift=8, qk_threshold=1.5, out_threshold=1.0):
        super().__init__()
        self.heads, self.max_shift = heads, max_shift
        self.qk_threshold, self.out_threshold = qk_threshold, out_threshold
        self.q, self.k, self.v = (LinearNorm(width, width) for _ in range(3))

    def forward(self, z, record, name):
        q, k, v = self.q(z), self.k(z), self.v(z)
        q = record(name + ".q", tsn(q, threshold=self.qk_threshold))
        k = record(name + ".k", tsn(k, threshold=self.qk_threshold))
        q, k, v = (split_heads(x, self.heads) for x in (q, k, v))
        y = join_heads(Shiftmax.apply(q @ k.transpose(-1, -2), self.max_shift) @ v)
        return record(name + ".attn.tsn", tsn(y, threshold=self.out_threshold))

    def write(self, graph, z, name):
        q, k = (graph.ternary(f"{name}.{letter}", graph.linear(f"{name}.{letter}.linear", z, getattr(self, letter)),
                              self.qk_threshold) for letter in "qk")
        v = graph.linear(name + ".v", z, self.v)
        cut = {} if self.max_shift is None else {"max_shift": self.max_shift}
        y = graph.node(name + ".attn", "attention.bipolar", [q, k, v], {"heads": self.heads, **cut})
        return graph.ternary(name + ".attn.tsn", y, self.out_threshold)
