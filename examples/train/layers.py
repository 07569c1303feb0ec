# Linear layers of the twins, and their folding into what the simulator holds.
import math

import torch
from torch import nn


def linear(inputs, outputs, bias, gain=1.0):
    layer = nn.Linear(inputs, outputs, bias=bias)
    nn.init.normal_(layer.weight, std=gain / math.sqrt(inputs))
    if bias:
        nn.init.zeros_(layer.bias)
    return layer


class LinearNorm(nn.Module):
    """Linear without bias, then batch normalisation over all leading axes."""

    def __init__(self, inputs, outputs, gain=1.0):
        super().__init__()
        self.linear = linear(inputs, outputs, bias=False)
        self.norm = nn.BatchNorm1d(outputs)
        nn.init.constant_(self.norm.weight, gain)

    def forward(self, x):
        y = self.linear(x)
        return self.norm(y.flatten(0, -2)).view_as(y)

    def folded(self):
        """(weight, bias) in float64 of the one Linear that equals this pair at inference."""
        norm = self.norm
        gain = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
        bias = norm.bias.double() - norm.running_mean.double() * gain
        return self.linear.weight.double() * gain[:, None], bias


def rounded(value, grid_bits):
    """float64 to multiples of 2^-grid_bits, which float32 holds exactly; None rounds to float32 only."""
    if grid_bits is not None:
        value = torch.round(value * 2.0 ** grid_bits) / 2.0 ** grid_bits
    return value.float()


def fold(module, grid_bits=None):
    """In place: each LinearNorm becomes one Linear, every parameter goes to the grid."""
    for name, child in list(module.named_children()):
        if isinstance(child, LinearNorm):
            weight, bias = (rounded(value.detach(), grid_bits) for value in child.folded())
            layer = nn.Linear(weight.shape[1], weight.shape[0])
            layer.weight.data, layer.bias.data = weight, bias
            setattr(module, name, layer)
        else:
            fold(child, grid_bits)
    for parameter in module.parameters(recurse=False):
        parameter.data = rounded(parameter.data.double(), grid_bits)
