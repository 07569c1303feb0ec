# Attention between datapoints (NPT): embedding, dense and spiking blocks, readout.
import math

import torch
from torch import nn
from torch.nn import functional

import attention
import neurons

# Kossen et al., Self-attention between datapoints, NeurIPS 2021. A table is [n d] numbers, n rows and d columns, and a
# mask [n d], 1 where the number is hidden. A categorical column holds the index of a class.
NORM_EPS = 1e-12
MAX_SHIFT = 8  # Shiftmax weights below 2^-8 are 0
SIGN_THRESHOLD = 2.0 ** -6  # |u| below it is silent: q and k are -1 or 1 nearly everywhere


class ColumnEmbedding(nn.Module):
    """[n d] to [n d e]: one Linear a column on (encoded number, mask), plus the index and the kind of the column.
    classes: of each column, 0 if numeric; weight [e F], F = sum of (max(classes, 1) + 1), column after column."""

    def __init__(self, classes, width):
        super().__init__()
        self.classes = classes
        sizes = [max(count, 1) + 1 for count in classes]
        self.first = [sum(sizes[:j]) for j in range(len(sizes))]
        self.flag = [first + size - 1 for first, size in zip(self.first, sizes)]
        columns = len(classes)
        self.weight = nn.Parameter(torch.randn(width, sum(sizes)))
        self.bias = nn.Parameter(torch.zeros(columns, width))
        self.index = nn.Parameter(0.5 * torch.randn(columns, width))
        kinds = {count > 0 for count in classes}
        self.kind = nn.Parameter(0.1 * torch.randn(2, width)) if len(kinds) == 2 else None
        self.register_buffer("mean", torch.zeros(columns))
        self.register_buffer("deviation", torch.ones(columns))

    def forward(self, values, mask):
        x = (values - self.mean) / self.deviation
        numeric = x.unsqueeze(-1) * self.weight[:, self.first].T
        columns = []
        for j, count in enumerate(self.classes):
            columns.append(self.weight[:, self.first[j]:self.first[j] + count].T[values[:, j].long()]
                           if count else numeric[:, j])
        live = (1 - mask).unsqueeze(-1)
        x = torch.stack(columns, 1) * live + mask.unsqueeze(-1) * self.weight[:, self.flag].T
        offset = self.bias + self.index
        if self.kind is not None:
            offset = offset + self.kind[[int(count > 0) for count in self.classes]]
        return x + offset


def heads_of(x, heads):
    return x.unflatten(-1, (heads, -1)).transpose(-2, -3)


def joined(x):
    return x.transpose(-2, -3).flatten(-2)


class DenseBlock(nn.Module):
    """MHSA over the tokens of [.. tokens width]. ln: q_only (released code), qkv (paper), post. score_scale: dim_kv
    (1/sqrt of the block's input width), head, none. score_norm: softmax; constant (q k^T / head width, no softmax)."""

    def __init__(self, width, heads, ln="q_only", score_scale="dim_kv", score_norm="softmax", residual_proj=True,
                 dropout=0.0):
        super().__init__()
        self.heads, self.ln, self.score_norm, self.dropout = heads, ln, score_norm, dropout
        self.scale = {"dim_kv": 1 / math.sqrt(width), "head": 1 / math.sqrt(width / heads), "none": 1.0}[score_scale]
        if score_norm == "constant":
            self.scale = heads / width
        for name in ("q", "k", "v", "mix") + (("res",) if residual_proj else ()):
            setattr(self, name, nn.Linear(width, width))
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.ln0, self.ln1 = nn.LayerNorm(width, NORM_EPS), nn.LayerNorm(width, NORM_EPS)

    def forward(self, x, record=None):
        normed = x if self.ln == "post" else self.ln0(x)
        source = normed if self.ln == "qkv" else x
        q, k, v = (heads_of(part, self.heads) for part in (self.q(normed), self.k(source), self.v(source)))
        score = q @ k.transpose(-1, -2) * self.scale
        if self.score_norm == "softmax":
            score = torch.softmax(score, -1)
        if record is not None:
            record.append(score)
        y = joined(self.drop(score) @ v)
        residual = (self.res(x) if hasattr(self, "res") else x) + self.drop(self.mix(y))
        if self.ln == "post":
            residual = self.ln0(residual)
            return self.ln1(residual + self.feed(residual))
        return residual + self.feed(self.ln1(residual))

    def feed(self, x):
        return self.drop(self.fc2(functional.gelu(self.fc1(x))))

    def drop(self, x):
        return functional.dropout(x, self.dropout, self.training)


class Mean(torch.autograd.Function):
    """Sum over the selected keys divided by their number, once."""

    @staticmethod
    def forward(ctx, chosen, soft, v):
        ctx.save_for_backward(chosen, soft, v)
        return (chosen @ v) / chosen.sum(-1, keepdim=True).clamp(min=1)

    @staticmethod
    def backward(ctx, grad):
        chosen, soft, v = ctx.saved_tensors
        weights = chosen / chosen.sum(-1, keepdim=True).clamp(min=1)
        return None, grad @ v.transpose(-1, -2), weights.transpose(-1, -2) @ grad


def selected(score, v, selection):
    """attention of integer scores. top: the mean over the keys of the greatest score; its gradient to the score is
    that of a softmax. shiftmax: powers of two. constant: the plain sum of score v / head width."""
    if selection == "top":
        chosen = (score == score.amax(-1, keepdim=True)).to(score.dtype)
        width = v.shape[-1]
        return Mean.apply(chosen.detach(), torch.softmax(score / math.sqrt(width), -1), v), chosen
    if selection == "shiftmax":
        weights = attention.Shiftmax.apply(score, MAX_SHIFT)
        return weights @ v, weights
    weights = score / v.shape[-1]  # constant: q k^T / head width
    return weights @ v, weights


class SpikingBlock(nn.Module):
    """The same over T steps [T n h]: spikes go into every Linear. code: bipolar, q and k in {-1, 1}; binary, {0, 1}."""

    def __init__(self, width, heads, code="bipolar", selection="top"):
        super().__init__()
        self.heads, self.code, self.selection = heads, code, selection
        self.q, self.k, self.v, self.mix = (nn.Linear(width, width) for _ in range(4))
        self.fc1, self.fc2 = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        for layer, gain in ((self.q, 1), (self.k, 1), (self.v, 2), (self.mix, 1), (self.fc1, 3), (self.fc2, 0.5)):
            nn.init.normal_(layer.weight, 0, gain / math.sqrt(layer.in_features))
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.k.weight.copy_(self.q.weight)  # equal rows agree from the start

    def match(self, x):
        """The spikes that are compared."""
        if self.code == "bipolar":
            return neurons.tsn(x, 0.5, SIGN_THRESHOLD)
        return neurons.lif(x, 2.0, SIGN_THRESHOLD)

    def forward(self, x, record=None):
        z = neurons.tsn(x, 0.5, 1.0)
        q, k, v = (heads_of(part, self.heads) for part in (self.match(self.q(z)), self.match(self.k(z)), self.v(z)))
        y, weights = selected(q @ k.transpose(-1, -2), v, self.selection)
        if record is not None:
            record.append(weights)
        x = x + self.mix(neurons.tsn(joined(y), 0.5, 1.0))
        z = neurons.lif(self.fc1(neurons.tsn(x, 0.5, 1.0)))
        return x + self.fc2(z)


class ColumnReadout(nn.Module):
    """Z_j = H_j W_j + b_j, all columns side by side: [n, sum of max(classes, 1)]."""

    def __init__(self, classes, width):
        super().__init__()
        self.sizes = [max(count, 1) for count in classes]
        self.weight = nn.Parameter(torch.randn(sum(self.sizes), width) / math.sqrt(width))
        self.bias = nn.Parameter(torch.zeros(sum(self.sizes)))

    def forward(self, x):
        owner = [j for j, size in enumerate(self.sizes) for _ in range(size)]
        return (x[..., owner, :] * self.weight).sum(-1) + self.bias


class Npt(nn.Module):
    """Blocks between datapoints (even) and between attributes (odd) by turns. steps: 0 for the dense model."""

    def __init__(self, classes, width, heads, depth, steps=0, **form):
        super().__init__()
        self.settings = dict(classes=classes, width=width, heads=heads, depth=depth, steps=steps, **form)
        self.steps = steps
        self.embed = ColumnEmbedding(classes, width)
        block = SpikingBlock if steps else DenseBlock
        sizes = [(width * len(classes), heads) if i % 2 == 0 else (width, min(heads, width)) for i in range(depth)]
        self.blocks = nn.ModuleList(block(size, count, **form) for size, count in sizes)
        self.readout = ColumnReadout(classes, width)

    def forward(self, values, mask, record=None):
        """record: a list that gets the weights of each block, between datapoints [.. heads n n]."""
        x = self.embed(values, mask)
        if self.steps:
            x = x.expand(self.steps, *x.shape)
        columns = x.shape[-2:]
        for i, block in enumerate(self.blocks):
            if i % 2 == 0:
                x = block(x.flatten(-2), record).unflatten(-1, columns)
            else:
                x = block(x, record)
        return self.readout(x.mean(0) if self.steps else x)
