# Dense linear attention: the product q k^T v without softmax.
from torch import nn

from attention import join_heads, split_heads
from layers import linear


class Linear(nn.Module):
    """Scaled by 1 / d; the numbers can have both signs, and a row need not sum to 1."""
    spiking = False
    about = "linear attention without softmax"

    def __init__(self, width, heads, tokens):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v = (linear(width, width, bias=True) for _ in range(3))

    def forward(self, z, record, name):
        q, k, v = (split_heads(layer(z), self.heads) for layer in (self.q, self.k, self.v))
        return join_heads((q @ k.transpose(-1, -2) / q.shape[-1]) @ v)

    def write(self, graph, z, name):
        q, k, v = (graph.linear(f"{name}.{letter}", z, getattr(self, letter)) for letter in "qkv")
        return graph.node(name + ".attn", "attention.select", [q, k, v], {"heads": self.heads, "rule": "constant"})
