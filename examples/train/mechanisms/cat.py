# CAT: one softmax over tokens, then a circular convolution or correlation.
import math

import torch
from torch import nn

from attention import join_heads, split_heads
from layers import linear


def circulant(w, v, direction):
    """sum_j w[(j - i) mod N] v_j (corr) or sum_j w[(i - j) mod N] v_j (conv), by transforms of length N.
    w [... H N], v [... H N d]."""
    tokens = w.shape[-1]
    spectrum = torch.fft.rfft(w).unsqueeze(-1)
    if direction == "corr":
        spectrum = spectrum.conj()
    return torch.fft.irfft(spectrum * torch.fft.rfft(v, dim=-2), n=tokens, dim=-2)


def causal(z, v, kind):
    """Row i sees tokens 0 .. i: rel weights them by z[i - j], abs by z[j]."""
    tokens = z.shape[-1]
    token = torch.arange(tokens)
    age = token[:, None] - token
    logits = z[..., age.clamp_min(0)] if kind == "rel" else z.unsqueeze(-2).expand(*z.shape, tokens)
    return torch.softmax(logits.masked_fill(age < 0, -torch.inf), -1) @ v


class Cat(nn.Module):
    """variant qv: z = X W_A, one logit a head; qkv: z_n = q_n . mean key / sqrt(d). direction, causal: see
    attention.cat. No biases: one on W_A would change nothing."""
    spiking = False
    about = "CAT"

    def __init__(self, width, heads, tokens, variant="qv", direction="corr", causal="none"):
        super().__init__()
        self.heads, self.variant, self.direction, self.causal = heads, variant, direction, causal
        if variant == "qv":
            self.z = linear(width, heads, bias=False)
        else:
            self.q, self.k = linear(width, width, bias=False), linear(width, width, bias=False)
        self.v = linear(width, width, bias=False)

    def logits(self, x):
        """[... H N]"""
        if self.variant == "qv":
            return self.z(x).transpose(-1, -2)
        q, k = split_heads(self.q(x), self.heads), split_heads(self.k(x), self.heads)
        return (q * k.mean(-2, keepdim=True)).sum(-1) / math.sqrt(q.shape[-1])

    def forward(self, x, record, name):
        z, v = self.logits(x), split_heads(self.v(x), self.heads)
        if self.causal != "none":
            return join_heads(causal(z, v, self.causal))
        return join_heads(circulant(torch.softmax(z, -1), v, self.direction))

    def write(self, graph, x, name):
        if self.variant == "qv":
            z = graph.linear(name + ".z", x, self.z)
        else:
            q, k = (graph.linear(f"{name}.{letter}", x, getattr(self, letter)) for letter in "qk")
            z = graph.node(name + ".z", "attention.cat_logits", [q, k], {"heads": self.heads})
        v = graph.linear(name + ".v", x, self.v)
        return graph.node(name + ".attn", "attention.cat", [z, v],
                          {"heads": self.heads, "direction": self.direction, "causal": self.causal})
