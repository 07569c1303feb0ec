# Q-K channel attention (QKFormer): channels of q that fire in any token let k pass.
from torch import nn

from layers import LinearNorm
from neurons import lif
from spiking_blocks import IntegerBlock

OUT_THRESHOLD = 0.5  # not published: that of token attention


class QkChannel(nn.Module):
    spiking = True
    about = "Q-K channel attention, integer residual"
    block = IntegerBlock

    def __init__(self, width, heads, tokens):
        super().__init__()
        self.q, self.k = LinearNorm(width, width), LinearNorm(width, width)

    def forward(self, z, record, name):
        q, k = (record(f"{name}.{letter}", lif(getattr(self, letter)(z))) for letter in "qk")
        return record(name + ".a", lif(q.sum(-2, keepdim=True), threshold=OUT_THRESHOLD)) * k

    def write(self, graph, z, name):
        q, k = (graph.lif(f"{name}.{letter}", graph.linear(f"{name}.{letter}.linear", z, getattr(self, letter)))
                for letter in "qk")
        a = graph.lif(name + ".a", graph.node(name + ".attn", "attention.channel_sum", [q]), OUT_THRESHOLD)
        return graph.node(name + ".mask", "attention.column_mask", [k, a])
