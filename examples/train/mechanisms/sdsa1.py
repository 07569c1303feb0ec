# SDSA-1 (V1): where k and v fire together in a channel, that channel of q passes.
from torch import nn

from layers import LinearNorm
from neurons import lif

OUT_THRESHOLD = 0.5


class Sdsa1(nn.Module):
    spiking = True
    about = "SDSA-1 attention, binary spikes"

    def __init__(self, width, heads, tokens):
        super().__init__()
        self.q, self.k, self.v = (LinearNorm(width, width) for _ in range(3))

    def forward(self, z, record, name):
        q, k, v = (record(f"{name}.{letter}", lif(getattr(self, letter)(z))) for letter in "qkv")
        return q * record(name + ".g", lif((k * v).sum(-2, keepdim=True), threshold=OUT_THRESHOLD))

    def write(self, graph, z, name):
        q, k, v = (graph.lif(f"{name}.{letter}", graph.linear(f"{name}.{letter}.linear", z, getattr(self, letter)))
                   for letter in "qkv")
        g = graph.lif(name + ".g", graph.node(name + ".attn", "attention.sdsa1", [k, v]), OUT_THRESHOLD)
        return graph.node(name + ".mask", "attention.column_mask", [q, g])
