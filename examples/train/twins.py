# One small vision transformer, spiking or dense, around any attention mechanism.
import torch
from torch import nn
from torch.nn import functional

import image_sets
import mechanisms
from graph_text import Graph
from layers import LinearNorm, linear
from neurons import lif

STEPS = 4
POSITION_STD = {True: 0.02, False: 0.3}  # at the start; True: spiking
DENSE_BRANCH_GAIN = 0.1  # of proj and fc2 at the start: a block begins near the identity
FIRST_GAIN = 2.0  # BN gain in front of a LIF that would hardly fire on unit variance


def keep(name, value):
    return value


def patches(image, patch):
    """[S C Y X] to [S N C'], N row-major over the grid, channel (c p + py) p + px."""
    return functional.unfold(image, patch, stride=patch).transpose(1, 2)


def readout_mean(x):
    """Mean over T and N of [T S N C] as the simulator sums: n ascending in a step, steps in order, one product."""
    steps, _, tokens, _ = x.shape
    total = torch.zeros_like(x[0, :, 0])
    for t in range(steps):
        step_sum = torch.zeros_like(total)
        for n in range(tokens):
            step_sum = step_sum + x[t, :, n]
        total = total + step_sum
    return total * (torch.ones((), dtype=x.dtype) / (steps * tokens))


def ordered_linear(x, layer):
    """[S C] to [S O]: products added in order of the input, each rounded; the bias last."""
    total = torch.zeros(x.shape[0], layer.weight.shape[0], dtype=x.dtype)
    for i in range(x.shape[1]):
        product = x[:, i:i + 1] * layer.weight[:, i]
        total = total + product
    return total + layer.bias


class SpikingBlock(nn.Module):
    def __init__(self, shape, mechanism, settings):
        super().__init__()
        width = shape.width
        self.attention = mechanism(width, shape.heads, shape.tokens, **settings)
        self.proj = LinearNorm(width, width)
        self.fc1 = LinearNorm(width, 2 * width, FIRST_GAIN)
        self.fc2 = LinearNorm(2 * width, width)

    def forward(self, x, record, name):
        z = record(name + ".lif", lif(x))
        x = x + self.proj(self.attention(z, record, name))
        hidden = record(name + ".mlp.lif", lif(x))
        hidden = record(name + ".fc1.lif", lif(self.fc1(hidden)))
        return x + self.fc2(hidden)

    def write(self, graph, x, name):
        y = self.attention.write(graph, graph.lif(name + ".lif", x), name)
        x = graph.add(name + ".add", x, graph.linear(name + ".proj", y, self.proj))
        z = graph.linear(name + ".fc1", graph.lif(name + ".mlp.lif", x), self.fc1)
        z = graph.lif(name + ".fc1.lif", z)
        return graph.add(name + ".mlp.add", x, graph.linear(name + ".fc2", z, self.fc2))


class DenseBlock(nn.Module):
    def __init__(self, shape, mechanism, settings):
        super().__init__()
        width = shape.width
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = mechanism(width, shape.heads, shape.tokens, **settings)
        self.proj = linear(width, width, True, DENSE_BRANCH_GAIN)
        self.fc1 = linear(width, 2 * width, bias=True)
        self.fc2 = linear(2 * width, width, True, DENSE_BRANCH_GAIN)

    def forward(self, x, record, name):
        x = x + self.proj(self.attention(self.norm1(x), record, name))
        return x + self.fc2(functional.gelu(self.fc1(self.norm2(x))))

    def write(self, graph, x, name):
        y = self.attention.write(graph, graph.norm(name + ".norm1", x, self.norm1), name)
        x = graph.add(name + ".add", x, graph.linear(name + ".proj", y, self.proj))
        z = graph.linear(name + ".fc1", graph.norm(name + ".norm2", x, self.norm2), self.fc1)
        z = graph.node(name + ".gelu", "gelu", [z])
        return graph.add(name + ".mlp.add", x, graph.linear(name + ".fc2", z, self.fc2))


class Twin(nn.Module):
    """The stream X is real. Spiking: membrane shortcut, [T S N C], every Linear after the embedding reads
    spikes. Dense: pre-LayerNorm, [S N C]. ordered: the readout sums in the simulator's order."""

    def __init__(self, shape, names, settings):
        super().__init__()
        classes = mechanisms.stack(names)
        self.spiking = classes[0].spiking
        self.full_steps = getattr(classes[0], "steps", STEPS)
        self.shape, self.steps, self.ordered = shape, self.full_steps, False
        inputs = shape.patch ** 2
        self.embed = (LinearNorm(inputs, shape.width, FIRST_GAIN) if self.spiking
                      else linear(inputs, shape.width, bias=True))
        self.position = nn.Parameter(torch.randn(shape.tokens, shape.width) * POSITION_STD[self.spiking])
        default = SpikingBlock if self.spiking else DenseBlock
        kinds = {getattr(c, "block", default) for c in classes}
        if len(kinds) != 1:
            raise ValueError(f"{names}: mechanisms with different blocks do not go into one stack")
        block, = kinds
        taken = [classes[index % len(classes)] for index in range(shape.depth)]
        self.blocks = nn.ModuleList(block(shape, c, mechanisms.accepted(c, settings)) for c in taken)
        self.norm = nn.Identity() if self.spiking else nn.LayerNorm(shape.width)
        self.head = linear(shape.width, shape.classes, bias=True)
        self.about = ", ".join(dict.fromkeys(block.attention.about for block in self.blocks))

    def stream(self, image, record=keep):
        x = self.embed(patches(image, self.shape.patch)) + self.position
        if self.spiking:
            x = x.expand(self.steps, *x.shape)
        if hasattr(self.blocks[0], "stem"):
            x = self.blocks[0].stem(x, record)
        for index, block in enumerate(self.blocks):
            x = block(x, record, f"block{index}")
        return self.norm(x)

    def read_out(self, x):
        if self.ordered:
            return ordered_linear(readout_mean(x), self.head)
        return self.head(x.mean((0, 2) if self.spiking else 1))

    def forward(self, image, record=keep):
        return self.read_out(self.stream(image, record))

    def penalty(self):
        """What the mechanisms add to the loss of the last forward."""
        return sum(block.attention.penalty() for block in self.blocks if hasattr(block.attention, "penalty"))

    def write(self):
        """The graph of a folded model."""
        graph = Graph()
        x = graph.node("patches", "layout.patches", ["image"], {"patch": self.shape.patch})
        x = graph.linear("embed", x, self.embed)
        x = graph.node("position", "embed.position", [x], weights={"weight": self.position})
        if self.spiking and self.full_steps > 1:
            x = graph.node("encode", "encode.direct", [x])
        if hasattr(self.blocks[0], "stem"):
            x = self.blocks[0].write_stem(graph, x)
        for index, block in enumerate(self.blocks):
            x = block.write(graph, x, f"block{index}")
        if not self.spiking:
            x = graph.norm("norm", x, self.norm)
        x = graph.node("readout", "readout.mean", [x], {"axes": "T N" if self.spiking else "N"})
        graph.linear("head", x, self.head)
        return graph


def build(dataset, names, settings):
    """(model, recipe). Each setting belongs to the shape, the recipe or the mechanisms, found by its name."""
    images = image_sets.find(dataset)
    spiking = mechanisms.stack(names)[0].spiking
    shape, rest = image_sets.replaced(images.shape, settings)
    recipe, rest = image_sets.replaced(images.recipes[spiking], rest)
    for c in mechanisms.stack(names):
        rest = {key: value for key, value in rest.items() if key not in mechanisms.accepted(c, rest)}
    if rest:
        raise ValueError(f"no such setting: {', '.join(rest)}")
    return Twin(shape, names, settings), recipe
