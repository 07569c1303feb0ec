# SSA: binary q, k, v, scaled products, no softmax (Spikformer).
from torch import nn

from attention import join_heads, split_heads
from layers import LinearNorm
from neurons import lif

OUT_THRESHOLD = 0.5


class Ssa(nn.Module):
    spiking = True
    about = "SSA attention, binary spikes"
    order = "qk_v"

    def __init__(self, width, heads, tokens, scale=0.125):
        super().__init__()
        self.heads, self.scale = heads, scale
        self.q, self.k, self.v = (LinearNorm(width, width) for _ in range(3))

    def forward(self, z, record, name):
        q, k, v = (split_heads(record(f"{name}.{letter}", lif(getattr(self, letter)(z))), self.heads)
                   for letter in "qkv")
        y = join_heads((q @ k.transpose(-1, -2)) @ v * self.scale)
        return record(name + ".attn.lif", lif(y, threshold=OUT_THRESHOLD))

    def write(self, graph, z, name):
        q, k, v = (graph.lif(f"{name}.{letter}", graph.linear(f"{name}.{letter}.linear", z, getattr(self, letter)))
                   for letter in "qkv")
        y = graph.node(name + ".attn", "attention.ssa", [q, k, v],
                       {"heads": self.heads, "scale": self.scale, "order": self.order})
        return graph.lif(name + ".attn.lif", y, OUT_THRESHOLD)
