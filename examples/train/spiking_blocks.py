# Blocks of the spiking twins that are not the membrane shortcut of twins.py.
from torch import nn

from layers import LinearNorm
from neurons import graded, lif

FIRST_GAIN = 2.0  # BN gain in front of a LIF that would hardly fire on unit variance


class IntegerBlock(nn.Module):
    """The residual of Spikformer and QKFormer: spikes are added, so that the stream is integer and its Linears read
    graded spikes. X += LIF(proj(attention(X))); X += LIF(fc2(LIF(fc1(X)))). The first X is LIF(embedding)."""

    def __init__(self, shape, mechanism, settings):
        super().__init__()
        width = shape.width
        self.attention = mechanism(width, shape.heads, shape.tokens, **settings)
        self.proj = LinearNorm(width, width, FIRST_GAIN)
        self.fc1 = LinearNorm(width, 2 * width, FIRST_GAIN)
        self.fc2 = LinearNorm(2 * width, width, FIRST_GAIN)

    @staticmethod
    def stem(x, record):
        return record("stem.lif", lif(x))

    @staticmethod
    def write_stem(graph, x):
        return graph.lif("stem.lif", x)

    def forward(self, x, record, name):
        x = x + record(name + ".proj.lif", lif(self.proj(self.attention(x, record, name))))
        hidden = record(name + ".fc1.lif", lif(self.fc1(x)))
        return x + record(name + ".fc2.lif", lif(self.fc2(hidden)))

    def write(self, graph, x, name):
        y = graph.linear(name + ".proj", self.attention.write(graph, x, name), self.proj)
        x = graph.add(name + ".add", x, graph.lif(name + ".proj.lif", y))
        z = graph.lif(name + ".fc1.lif", graph.linear(name + ".fc1", x, self.fc1))
        z = graph.lif(name + ".fc2.lif", graph.linear(name + ".fc2", z, self.fc2))
        return graph.add(name + ".mlp.add", x, z)


class GradedBlock(nn.Module):
    """The block of Spike-driven Transformer V3 without its convolution: membrane shortcut, every neuron an I-LIF
    with integers 0 .. 4. The division by 4 is in the weights, and in the scale of attention."""

    def __init__(self, shape, mechanism, settings):
        super().__init__()
        width = shape.width
        self.attention = mechanism(width, shape.heads, shape.tokens, **settings)
        self.proj = LinearNorm(width * self.attention.ratio, width)
        self.fc1 = LinearNorm(width, 2 * width)
        self.fc2 = LinearNorm(2 * width, width)

    def forward(self, x, record, name):
        z = record(name + ".lif", graded(x))
        x = x + self.proj(self.attention(z, record, name))
        hidden = record(name + ".mlp.lif", graded(x))
        return x + self.fc2(record(name + ".fc1.lif", graded(self.fc1(hidden))))

    def write(self, graph, x, name):
        y = self.attention.write(graph, graph.graded(name + ".lif", x), name)
        x = graph.add(name + ".add", x, graph.linear(name + ".proj", y, self.proj))
        z = graph.linear(name + ".fc1", graph.graded(name + ".mlp.lif", x), self.fc1)
        z = graph.graded(name + ".fc1.lif", z)
        return graph.add(name + ".mlp.add", x, graph.linear(name + ".fc2", z, self.fc2))
