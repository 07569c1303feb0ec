# Q-K token attention (QKFormer): heads of q that fire let their token of k pass.
from torch import nn

from attention import join_heads, split_heads
from layers import LinearNorm
from neurons import lif
from spiking_blocks import IntegerBlock

OUT_THRESHOLD = 0.5


class QkToken(nn.Module):
    spiking = True
    about = "Q-K token attention, integer residual"
    block = IntegerBlock

    def __init__(self, width, heads, tokens):
        super().__init__()
        self.heads = heads
        self.q, self.k = LinearNorm(width, width), LinearNorm(width, width)

    def forward(self, z, record, name):
        q, k = (split_heads(record(f"{name}.{letter}", lif(getattr(self, letter)(z))), self.heads)
                for letter in "qk")
        a = record(name + ".a", lif(q.sum(-1).transpose(-1, -2), threshold=OUT_THRESHOLD))
        return join_heads(a.transpose(-1, -2).unsqueeze(-1) * k)

    def write(self, graph, z, name):
        q, k = (graph.lif(f"{name}.{letter}", graph.linear(f"{name}.{letter}.linear", z, getattr(self, letter)))
                for letter in "qk")
        total = graph.node(name + ".attn", "attention.token_sum", [q], {"heads": self.heads})
        return graph.node(name + ".mask", "attention.token_mask", [graph.lif(name + ".a", total, OUT_THRESHOLD), k])
