# Dense softmax attention with 1/sqrt(d).
import math

import torch
from torch import nn

from attention import join_heads, split_heads
from layers import linear


class Softmax(nn.Module):
    spiking = False
    about = "softmax"

    def __init__(self, width, heads, tokens):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v = (linear(width, width, bias=True) for _ in range(3))

    def forward(self, z, record, name):
        q, k, v = (split_heads(layer(z), self.heads) for layer in (self.q, self.k, self.v))
        score = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        return join_heads(torch.softmax(score, -1) @ v)

    def write(self, graph, z, name):
        q, k, v = (graph.linear(f"{name}.{letter}", z, getattr(self, letter)) for letter in "qkv")
        return graph.node(name + ".attn", "attention.softmax", [q, k, v], {"heads": self.heads})
