# DSSA (SpikingResformer): a convolution of the spikes meets the spikes, twice.
import math

import torch
from torch import nn
from torch.nn import functional

from attention import join_heads
from layers import LinearNorm
from neurons import lif

GAIN = 2.0  # of y: its scores have about unit variance
MOMENTUM = 0.1  # of the running rates
FIRST_RATE = 0.25


def scale_of(rate, terms):
    """1 / sqrt(rate terms), to the nearest power of two: so float32 stays exact. The paper does not round."""
    return torch.exp2(torch.round(-0.5 * torch.log2(rate * terms)))


class Dssa(nn.Module):
    """The map of tokens is square. firing_rate_*: running means of the spikes of each head."""
    spiking = True
    about = "DSSA attention, binary spikes"

    def __init__(self, width, heads, tokens, kernel=2):
        super().__init__()
        self.heads, self.kernel, self.side = heads, kernel, math.isqrt(tokens)
        self.tokens = (self.side // kernel) ** 2
        self.y = LinearNorm(width * kernel ** 2, 2 * width, GAIN)
        self.register_buffer("firing_rate_x", torch.full((heads,), FIRST_RATE))
        self.register_buffer("firing_rate_attn", torch.full((heads,), FIRST_RATE))

    def scale(self, which, terms, spikes):
        """[H 1 1]; spikes [T S H ...] move the running rate in training."""
        rate = getattr(self, "firing_rate_" + which)
        if self.training:
            now = spikes.detach().transpose(0, 2).flatten(1).mean(1)
            rate.mul_(1 - MOMENTUM).add_(now.clamp_min(1e-3), alpha=MOMENTUM)
        return scale_of(rate, terms)[:, None, None]

    def forward(self, z, record, name):
        steps, samples, _, width = z.shape
        head_width = width // self.heads
        image = z.flatten(0, 1).transpose(1, 2).unflatten(2, (self.side, self.side))
        patches = functional.unfold(image, self.kernel, stride=self.kernel).transpose(1, 2)
        y = self.y(patches.unflatten(0, (steps, samples)))
        y = y.unflatten(-1, (self.heads, 2, head_width)).permute(4, 0, 1, 3, 2, 5)  # [2 T S H M d]
        s = z.unflatten(-1, (self.heads, head_width)).permute(0, 1, 3, 4, 2)  # [T S H d N]
        a = record(name + ".a", lif(y[0] @ s * self.scale("x", head_width, s)))
        out = y[1].transpose(-1, -2) @ a * self.scale("attn", self.tokens, a)
        return record(name + ".attn.lif", lif(join_heads(out.transpose(-1, -2))))

    def write(self, graph, z, name):
        kernel, outputs = self.kernel, self.y.weight.shape[0]
        image = graph.node(name + ".map", "layout.image", [z], {"height": self.side, "width": self.side})
        y = graph.node(name + ".conv", "conv2d", [image], {"stride": kernel},
                       {"weight": self.y.weight.view(outputs, -1, kernel, kernel), "bias": self.y.bias})
        y = graph.node(name + ".y", "layout.tokens", [y])
        rates = {}
        for which, terms in (("x", outputs // 2 // self.heads), ("attn", self.tokens)):
            rate = getattr(self, "firing_rate_" + which)
            rates[which] = {"firing_rate_" + which: 1 / (scale_of(rate, terms) ** 2 * terms)}
        scores = graph.node(name + ".scores", "attention.dssa_scores", [y, z], {"heads": self.heads}, rates["x"])
        values = graph.node(name + ".values", "attention.dssa_values", [y, graph.lif(name + ".a", scores)],
                            {"heads": self.heads, "tokens": self.tokens}, rates["attn"])
        return graph.lif(name + ".attn.lif", values)
