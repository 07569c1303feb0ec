"""Meta-SpikeFormer V2, V3 and SpikingResformer with the authors' module names: stages of growing width."""
import torch
from torch import nn

from checkpoint_parts import Branch, Graded, Lif, conv, in_heads, normed, out_of_heads, over_steps, pool, repeat


# --- Meta-SpikeFormer V2 and V3 ---
class Downsample(nn.Module):
    def __init__(self, inputs, outputs, kernel=3, stride=2, neuron=None):
        super().__init__()
        self.encode_conv = conv(inputs, outputs, kernel, stride, bias=True)
        self.encode_bn = nn.BatchNorm2d(outputs)
        if neuron:
            setattr(self, "encode_lif" if neuron is Lif else "encode_spike", neuron())

    def forward(self, x):
        neuron = getattr(self, "encode_lif", None) or getattr(self, "encode_spike", None)
        return normed(self.encode_bn, self.encode_conv, neuron(x) if neuron else x)


class SepConvV2(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.lif1, self.pwconv1, self.bn1 = Lif(), conv(dim, 2 * dim, 1), nn.BatchNorm2d(2 * dim)
        self.lif2, self.dwconv = Lif(), conv(2 * dim, 2 * dim, 7, groups=2 * dim)
        self.pwconv2, self.bn2 = conv(2 * dim, dim, 1), nn.BatchNorm2d(dim)

    def forward(self, x):
        x = over_steps(self.dwconv, self.lif2(normed(self.bn1, self.pwconv1, self.lif1(x))))
        return normed(self.bn2, self.pwconv2, x)


class SepConvV3(nn.Module):
    def __init__(self, dim, kernel):
        super().__init__()
        self.spike1, self.spike2, self.spike3 = Graded(), Graded(), Graded()
        self.pwconv1 = nn.Sequential(conv(dim, 2 * dim, 1), nn.BatchNorm2d(2 * dim))
        self.dwconv = nn.Sequential(conv(2 * dim, 2 * dim, kernel, groups=2 * dim), nn.BatchNorm2d(2 * dim))
        self.pwconv2 = nn.Sequential(conv(2 * dim, dim, 1), nn.BatchNorm2d(dim))

    def forward(self, x):
        x = over_steps(self.pwconv1, self.spike1(x))
        return over_steps(self.pwconv2, self.spike3(over_steps(self.dwconv, self.spike2(x))))


class ConvBlock(nn.Module):
    def __init__(self, dim, neuron):
        super().__init__()
        self.Conv = SepConvV2(dim) if neuron is Lif else SepConvV3(dim, 7)
        self.names = ("lif1", "lif2") if neuron is Lif else ("spike1", "spike2")
        for name in self.names:
            setattr(self, name, neuron())
        self.conv1, self.bn1 = conv(dim, 4 * dim), nn.BatchNorm2d(4 * dim)
        self.conv2, self.bn2 = conv(4 * dim, dim), nn.BatchNorm2d(dim)

    def forward(self, x):
        x = x + self.Conv(x)
        y = normed(self.bn1, self.conv1, getattr(self, self.names[0])(x))
        return x + normed(self.bn2, self.conv2, getattr(self, self.names[1])(y))


class PaddedNorm(nn.Module):
    """Batch norm, then a rim of what it makes of 0."""

    def __init__(self, dim):
        super().__init__()
        self.bn = nn.BatchNorm2d(dim)

    def forward(self, x):
        inner = nn.functional.pad(self.bn(x), (1, 1, 1, 1))
        rim = nn.functional.pad(torch.ones(1, 1, *x.shape[2:]), (1, 1, 1, 1)) == 0
        return torch.where(rim, self.bn(torch.zeros(1, x.shape[1], 1, 1)), inner)


class RepConv(nn.Module):
    def __init__(self, dim):
        super().__init__()
        tail = nn.Sequential(nn.Conv2d(dim, dim, 3, bias=False, groups=dim), conv(dim, dim, 1), nn.BatchNorm2d(dim))
        self.body = nn.Sequential(conv(dim, dim, 1), PaddedNorm(dim), tail)

    def forward(self, x):
        return self.body(x)


class StageAttention(nn.Module):
    """SDSA-3 of V2 and the efficient attention of V3."""

    def __init__(self, dim, heads, neuron):
        super().__init__()
        self.heads, self.tail = heads, "lif" if neuron is Lif else "spike"
        setattr(self, f"head_{self.tail}", neuron())
        for name in "qkv":
            width = 4 * dim if neuron is Graded and name == "v" else dim
            if neuron is Lif:
                layer = nn.Sequential(RepConv(dim), nn.BatchNorm2d(dim))
            else:
                layer = nn.Sequential(conv(dim, width, 1), nn.BatchNorm2d(width))
            setattr(self, f"{name}_conv", layer)
            setattr(self, f"{name}_{self.tail}", neuron())
        if neuron is Lif:
            self.attn_lif, self.scale = Lif(0.5), 0.125
            self.proj_conv = nn.Sequential(RepConv(dim), nn.BatchNorm2d(dim))
        else:
            self.attn_spike, self.scale = Graded(), 2 * (dim // heads) ** -0.5
            self.proj_conv = nn.Sequential(conv(4 * dim, dim, 1), nn.BatchNorm2d(dim))

    def forward(self, x):
        spikes = getattr(self, f"head_{self.tail}")(x)
        q, k, v = (in_heads(getattr(self, f"{name}_{self.tail}")(over_steps(getattr(self, f"{name}_conv"), spikes))
                            .flatten(3), self.heads) for name in "qkv")
        y = q @ (k.transpose(-2, -1) @ v) if self.tail == "lif" else q @ k.transpose(-2, -1) @ v
        y = getattr(self, f"attn_{self.tail}")(out_of_heads(y * self.scale))
        return over_steps(self.proj_conv, y.unflatten(3, x.shape[3:]))


class StageMlp(Branch):
    def __init__(self, dim, neuron):
        super().__init__()
        self.neurons = [f"{name}_{'lif' if neuron is Lif else 'spike'}" for name in ("fc1", "fc2")]
        self.add("fc1", nn.Conv1d(dim, 4 * dim, 1), nn.BatchNorm1d(4 * dim), None)
        self.add("fc2", nn.Conv1d(4 * dim, dim, 1), nn.BatchNorm1d(dim), None)
        for name in self.neurons:
            setattr(self, name, neuron())

    def forward(self, x):
        y = self.currents("fc1", getattr(self, self.neurons[0])(x.flatten(3)))
        return self.currents("fc2", getattr(self, self.neurons[1])(y)).reshape(x.shape)


class StageBlock(nn.Module):
    def __init__(self, dim, heads, neuron):
        super().__init__()
        if neuron is Graded:
            self.conv = SepConvV3(dim, 3)
        self.attn, self.mlp = StageAttention(dim, heads, neuron), StageMlp(dim, neuron)

    def forward(self, x):
        x = x + self.conv(x) if hasattr(self, "conv") else x
        x = x + self.attn(x)
        return x + self.mlp(x)


class MetaSpikeFormer(nn.Module):
    def __init__(self, neuron, dims=(8, 16, 32, 64), heads=2, blocks3=2, blocks4=1, classes=10):
        super().__init__()
        self.is_v2 = neuron is Lif
        self.downsample1_1, self.ConvBlock1_1 = Downsample(3, dims[0] // 2, 7), self.blocks(1, dims[0] // 2, neuron)
        self.downsample1_2 = Downsample(dims[0] // 2, dims[0], neuron=neuron)
        self.ConvBlock1_2 = self.blocks(1, dims[0], neuron)
        self.downsample2 = Downsample(dims[0], dims[1], neuron=neuron)
        self.ConvBlock2_1, self.ConvBlock2_2 = self.blocks(1, dims[1], neuron), self.blocks(1, dims[1], neuron)
        self.downsample3 = Downsample(dims[1], dims[2], neuron=neuron)
        self.block3 = nn.Sequential(*(StageBlock(dims[2], heads, neuron) for _ in range(blocks3)))
        self.downsample4 = Downsample(dims[2], dims[3], stride=1, neuron=neuron)
        self.block4 = nn.Sequential(*(StageBlock(dims[3], heads, neuron) for _ in range(blocks4)))
        setattr(self, "lif" if self.is_v2 else "spike", Lif() if self.is_v2 else Graded(norm=1))
        self.head = nn.Linear(dims[3], classes)

    @staticmethod
    def blocks(count, dim, neuron):
        return nn.Sequential(*(ConvBlock(dim, neuron) for _ in range(count)))

    def forward(self, x, steps):
        x = repeat(x, steps)
        for part in ("downsample1_1", "ConvBlock1_1", "downsample1_2", "ConvBlock1_2", "downsample2", "ConvBlock2_1",
                     "ConvBlock2_2", "downsample3", "block3", "downsample4", "block4"):
            x = getattr(self, part)(x)
        x = x.flatten(3).mean(3)
        return over_steps(self.head, self.lif(x) if self.is_v2 else self.spike(x)).mean(0)


# --- SpikingResformer ---
class Norm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.bn = nn.BatchNorm2d(dim)

    def forward(self, x):
        return self.bn(x)


class ResformerDownsample(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.activation, self.conv, self.norm = Lif(), conv(inputs, outputs, 3, 2), Norm(outputs)

    def forward(self, x):
        return normed(self.norm, self.conv, self.activation(x))


class DualSpikeAttention(nn.Module):
    def __init__(self, dim, heads, patch, length):
        super().__init__()
        self.heads, self.length = heads, length
        self.activation_in = Lif()
        self.W, self.norm = nn.Conv2d(dim, 2 * dim, patch, patch, bias=False), Norm(2 * dim)
        self.activation_attn, self.activation_out = Lif(channels=None), Lif()
        self.Wproj, self.norm_proj = conv(dim, dim, 1), Norm(dim)
        self.register_buffer("firing_rate_x", torch.zeros(1, 1, heads, 1, 1))
        self.register_buffer("firing_rate_attn", torch.zeros(1, 1, heads, 1, 1))

    def forward(self, x):
        spikes = self.activation_in(x)
        y = normed(self.norm, self.W, spikes).flatten(3).unflatten(2, (self.heads, -1))  # [T B h 2d M]
        d = y.shape[3] // 2
        s = spikes.flatten(3).unflatten(2, (self.heads, -1))
        scores = y[:, :, :, :d].transpose(-2, -1) @ s
        a = self.activation_attn(scores * (1 / torch.sqrt(self.firing_rate_x * d)))
        out = y[:, :, :, d:] @ a * (1 / torch.sqrt(self.firing_rate_attn * self.length))
        return x + normed(self.norm_proj, self.Wproj, self.activation_out(out.flatten(2, 3)).reshape(x.shape))


class GroupWise(nn.Module):
    def __init__(self, dim, group):
        super().__init__()
        hidden = 4 * dim
        self.up = nn.Sequential(Lif(), conv(dim, hidden, 1), Norm(hidden))
        self.conv = nn.ModuleList([nn.Sequential(Lif(), conv(hidden, hidden, groups=hidden // group), Norm(hidden))])
        self.down = nn.Sequential(Lif(), conv(hidden, dim, 1), Norm(dim))

    def forward(self, x):
        def part(layers, y):
            return normed(layers[2], layers[1], layers[0](y))
        u = part(self.up, x)
        u = u + part(self.conv[0], u)
        return x + part(self.down, u)


class SpikingResformer(nn.Module):
    def __init__(self, dims=(16, 32, 64), heads=(1, 2, 4), patches=(4, 2, 1), pairs=(1, 1, 1), group=16, side=32,
                 classes=10):
        super().__init__()
        self.prologue = nn.Sequential(conv(3, dims[0]), Norm(dims[0]))
        self.layers = nn.ModuleList()
        for s, dim in enumerate(dims):
            layers = [ResformerDownsample(dims[s - 1], dim)] if s else []
            for _ in range(pairs[s]):
                length = (side // 2**s // patches[s]) ** 2
                layers += [DualSpikeAttention(dim, heads[s], patches[s], length), GroupWise(dim, group)]
            self.layers.append(nn.Sequential(*layers))
        self.classifier = nn.Linear(dims[-1], classes, bias=False)

    def forward(self, x, steps):
        x = over_steps(self.prologue, repeat(x, steps))
        for layers in self.layers:
            x = layers(x)
        return over_steps(self.classifier, x.flatten(3).mean(3)).mean(0)
