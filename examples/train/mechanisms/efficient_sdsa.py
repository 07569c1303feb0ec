# Efficient SDSA (V3): integers 0 .. 4 in one step, v four times as wide.
import math

from torch import nn

from attention import join_heads, split_heads
from layers import LinearNorm
from neurons import graded
from spiking_blocks import GradedBlock

NORM = 4  # a spike c stands for c / 4
GAIN = 2.0  # of q, k, v: with 16 tokens the product of fourths is small


class EfficientSdsa(nn.Module):
    spiking = True
    about = "efficient SDSA attention, graded spikes"
    block = GradedBlock
    steps = 1

    def __init__(self, width, heads, tokens, ratio=4):
        super().__init__()
        self.heads, self.ratio = heads, ratio
        self.q, self.k = LinearNorm(width, width, GAIN), LinearNorm(width, width, GAIN)
        self.v = LinearNorm(width, ratio * width, GAIN)
        self.scale = 2 / math.sqrt(width // heads)

    def forward(self, z, record, name):
        q, k, v = (split_heads(record(f"{name}.{letter}", graded(getattr(self, letter)(z))), self.heads)
                   for letter in "qkv")
        y = join_heads((q @ k.transpose(-1, -2)) @ v / NORM ** 3 * self.scale)
        return record(name + ".attn.lif", graded(y))

    def write(self, graph, z, name):
        q, k, v = (graph.graded(f"{name}.{letter}",
                                graph.linear(f"{name}.{letter}.linear", z, getattr(self, letter)))
                   for letter in "qkv")
        y = graph.node(name + ".attn", "attention.ssa", [q, k, v],
                       {"heads": self.heads, "scale": 0, "norm": NORM, "order": "qk_v"})
        return graph.graded(name + ".attn.lif", y)
