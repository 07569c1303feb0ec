# The three twins of one small vision transformer: dense, ssa, bsa.
import dataclasses
import math

import torch
from torch import nn
from torch.nn import functional

from attention import bsa, softmax_attention, ssa
from neurons import lif, tsn

STEPS = 4
CLASSES = 10
POSITION_STD = {"dense": 0.3, "ssa": 0.02, "bsa": 0.02}  # at the start
DENSE_BRANCH_GAIN = 0.1  # of proj and fc2 at the start: a block begins near the identity
FIRST_GAIN = 2.0  # BN gain in front of a LIF that would hardly fire on unit variance
TSN_TAU = 0.5
QK_THRESHOLD = 1.5
BSA_OUT_THRESHOLD = 1.0
SSA_OUT_THRESHOLD = 0.5


@dataclasses.dataclass(frozen=True)
class Shape:
    side: int    # pixels
    patch: int   # pixels
    width: int   # D
    heads: int = 4
    depth: int = 2

    @property
    def tokens(self):
        return (self.side // self.patch) ** 2


SHAPES = {"digits": Shape(side=8, patch=2, width=64), "fashion": Shape(side=28, patch=4, width=128)}


def patches(image, patch):
    """[S C Y X] to [S N C'], N row-major over the grid, channel (c p + py) p + px."""
    return functional.unfold(image, patch, stride=patch).transpose(1, 2)


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


class SpikingBlock(nn.Module):
    def __init__(self, shape, twin, max_shift):
        super().__init__()
        width = shape.width
        self.twin, self.heads, self.max_shift = twin, shape.heads, max_shift
        self.q, self.k, self.v, self.proj = (LinearNorm(width, width) for _ in range(4))
        self.fc1 = LinearNorm(width, 2 * width, FIRST_GAIN)
        self.fc2 = LinearNorm(2 * width, width)

    def attention(self, z, record, name):
        q, k, v = self.q(z), self.k(z), self.v(z)
        if self.twin == "ssa":
            q, k, v = record(name + ".q", lif(q)), record(name + ".k", lif(k)), record(name + ".v", lif(v))
            return record(name + ".attn.lif", lif(ssa(q, k, v, self.heads), threshold=SSA_OUT_THRESHOLD))
        q = record(name + ".q", tsn(q, TSN_TAU, QK_THRESHOLD))
        k = record(name + ".k", tsn(k, TSN_TAU, QK_THRESHOLD))
        y = bsa(q, k, v, self.heads, self.max_shift)
        return record(name + ".attn.tsn", tsn(y, TSN_TAU, BSA_OUT_THRESHOLD))

    def forward(self, x, record, name):
        z = record(name + ".lif", lif(x))
        x = x + self.proj(self.attention(z, record, name))
        hidden = record(name + ".mlp.lif", lif(x))
        hidden = record(name + ".fc1.lif", lif(self.fc1(hidden)))
        return x + self.fc2(hidden)


class SpikingTwin(nn.Module):
    """Membrane shortcut: the stream X is real, every Linear after the embedding reads spikes."""

    def __init__(self, shape, twin, max_shift):
        super().__init__()
        self.shape, self.steps = shape, STEPS
        self.embed = LinearNorm(shape.patch ** 2, shape.width, FIRST_GAIN)
        self.position = nn.Parameter(torch.randn(shape.tokens, shape.width) * POSITION_STD[twin])
        self.blocks = nn.ModuleList(SpikingBlock(shape, twin, max_shift) for _ in range(shape.depth))
        self.head = linear(shape.width, CLASSES, bias=True)

    def forward(self, image, record=lambda name, spike: spike):
        x = self.embed(patches(image, self.shape.patch)) + self.position
        x = x.expand(self.steps, *x.shape)
        for index, block in enumerate(self.blocks):
            x = block(x, record, f"block{index}")
        return self.head(x.mean((0, 2)))


class DenseBlock(nn.Module):
    def __init__(self, shape):
        super().__init__()
        width = shape.width
        self.heads = shape.heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.q, self.k, self.v = (linear(width, width, bias=True) for _ in range(3))
        self.proj = linear(width, width, True, DENSE_BRANCH_GAIN)
        self.fc1 = linear(width, 2 * width, bias=True)
        self.fc2 = linear(2 * width, width, True, DENSE_BRANCH_GAIN)

    def forward(self, x):
        z = self.norm1(x)
        x = x + self.proj(softmax_attention(self.q(z), self.k(z), self.v(z), self.heads))
        return x + self.fc2(functional.gelu(self.fc1(self.norm2(x))))


class DenseTwin(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embed = linear(shape.patch ** 2, shape.width, bias=True)
        self.position = nn.Parameter(torch.randn(shape.tokens, shape.width) * POSITION_STD["dense"])
        self.blocks = nn.ModuleList(DenseBlock(shape) for _ in range(shape.depth))
        self.norm = nn.LayerNorm(shape.width)
        self.head = linear(shape.width, CLASSES, bias=True)

    def forward(self, image):
        x = self.embed(patches(image, self.shape.patch)) + self.position
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(1))


def build(dataset, twin, max_shift=None):
    shape = SHAPES[dataset]
    return DenseTwin(shape) if twin == "dense" else SpikingTwin(shape, twin, max_shift)
