# STAtten: the tokens of several steps are the tokens of one linear product.
import math

from torch import nn

from attention import join_heads, split_heads
from layers import LinearNorm
from neurons import lif

OUT_THRESHOLD = 0.5


class Statten(nn.Module):
    """scale None: 1 / side of the square map of tokens, as for still images."""
    spiking = True
    about = "STAtten attention, binary spikes"

    def __init__(self, width, heads, tokens, chunk=2, scale=None):
        super().__init__()
        self.heads, self.chunk, self.scale = heads, chunk, scale or 1 / math.isqrt(tokens)
        self.q, self.k, self.v = (LinearNorm(width, width) for _ in range(3))

    def forward(self, z, record, name):
        q, k, v = (split_heads(record(f"{name}.{letter}", lif(getattr(self, letter)(z))), self.heads)
                   for letter in "qkv")
        q, kv = (x.unflatten(0, (-1, self.chunk)) for x in (q, k.transpose(-1, -2) @ v))
        y = join_heads((q @ kv.sum(1, keepdim=True) * self.scale).flatten(0, 1))
        return record(name + ".attn.lif", lif(y, threshold=OUT_THRESHOLD))

    def write(self, graph, z, name):
        q, k, v = (graph.lif(f"{name}.{letter}", graph.linear(f"{name}.{letter}.linear", z, getattr(self, letter)))
                   for letter in "qkv")
        y = graph.node(name + ".attn", "attention.statten", [q, k, v],
                       {"heads": self.heads, "chunk": self.chunk, "scale": self.scale})
        return graph.lif(name + ".attn.lif", y, OUT_THRESHOLD)
