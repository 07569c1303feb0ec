"""Spikingformer, Spike-driven Transformer V1 and STAtten with the authors' module names: shortcuts of currents."""
import torch
from torch import nn

from checkpoint_parts import Branch, Lif, Plif, conv, in_heads, normed, out_of_heads, over_steps, pool, repeat


# --- Spikingformer ---
class SpikingformerPatches(nn.Module):
    def __init__(self, variant, channels, dim, tau):
        super().__init__()
        self.names = [("block" if variant == "cifar" else "proj") + (str(k) if k or variant == "cifar" else "")
                      for k in range(5)]
        self.pooled = (3, 4) if variant == "cifar" else (1, 2, 3, 4)
        widths = (channels, dim // 8, dim // 4, dim // 2, dim, dim)
        for k, name in enumerate(self.names):
            if k:
                setattr(self, f"{name}_lif", Lif(tau=tau))
            setattr(self, f"{name}_conv", conv(widths[k], widths[k + 1]))
            setattr(self, f"{name}_bn", nn.BatchNorm2d(widths[k + 1]))

    def forward(self, x):
        for k, name in enumerate(self.names):
            x = getattr(self, f"{name}_lif")(x) if k else x
            x = pool(x) if k in self.pooled else x
            x = normed(getattr(self, f"{name}_bn"), getattr(self, f"{name}_conv"), x)
        return x


class SpikingformerAttention(Branch):
    def __init__(self, variant, dim, heads, tau):
        super().__init__()
        self.variant, self.heads = variant, heads
        for name in "qkv":
            self.add(name, nn.Conv1d(dim, dim, 1, bias=False), nn.BatchNorm1d(dim), Lif(tau=tau))
        self.attn_lif = Lif(0.5, tau)
        self.add("proj", nn.Conv1d(dim, dim, 1), nn.BatchNorm1d(dim), Lif(tau=tau))  # its LIF is in front of q, k, v

    def forward(self, x):
        spikes = self.proj_lif(x).flatten(3)
        q, k, v = (in_heads(self.fire(name, spikes), self.heads) for name in "qkv")
        if self.variant == "imagenet":
            y = q @ (k.transpose(-2, -1) @ v)
        else:
            y = q @ k.transpose(-2, -1) @ v
        return self.currents("proj", self.attn_lif(out_of_heads(y * 0.125))).reshape(x.shape)


class PreNeuronMlp(Branch):
    def __init__(self, names, dim, ratio, neuron):
        super().__init__()
        self.names = names
        self.add(names[0], conv(dim, ratio * dim, 1, bias=True), nn.BatchNorm2d(ratio * dim), neuron())
        self.add(names[1], conv(ratio * dim, dim, 1, bias=True), nn.BatchNorm2d(dim), neuron())

    def forward(self, x):
        return self.read(self.names[1], self.read(self.names[0], x))


class SpikingformerBlock(nn.Module):
    def __init__(self, variant, dim, heads, tau):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)  # never called
        self.attn = SpikingformerAttention(variant, dim, heads, tau)
        self.mlp = PreNeuronMlp(("mlp1", "mlp2"), dim, 4, lambda: Lif(tau=tau))

    def forward(self, x):
        x = x + self.attn(x)
        return x + self.mlp(x)


class Spikingformer(nn.Module):
    def __init__(self, variant, channels=3, dim=64, heads=4, depth=2, classes=10):
        super().__init__()
        self.variant, tau = variant, 1.5 if variant == "dvs" else 2.0
        self.patch_embed = SpikingformerPatches(variant, channels, dim, tau)
        self.block = nn.ModuleList([SpikingformerBlock(variant, dim, heads, tau) for _ in range(depth)])
        self.head = nn.Linear(dim, classes)

    def forward(self, x, steps):
        x = self.patch_embed(x if self.variant == "dvs" else repeat(x, steps))
        for block in self.block:
            x = block(x)
        return self.head(x.flatten(3).mean(3).mean(0))


# --- Spike-driven Transformer V1 and STAtten ---
class CurrentPatches(nn.Module):
    def __init__(self, pooling, channels, dim, neuron):
        super().__init__()
        self.pooling = pooling
        widths = (channels, dim // 8, dim // 4, dim // 2, dim)
        for s in range(4):
            tail = str(s) if s else ""
            setattr(self, f"proj_conv{tail}", conv(widths[s], widths[s + 1]))
            setattr(self, f"proj_bn{tail}", nn.BatchNorm2d(widths[s + 1]))
            setattr(self, f"proj_lif{tail}", neuron())
        self.rpe_conv, self.rpe_bn = conv(dim, dim), nn.BatchNorm2d(dim)
        self.rpe_lif = neuron()  # never called

    def forward(self, x):
        for s in range(4):
            tail, pools = str(s) if s else "", self.pooling[s] == "1"
            x = normed(getattr(self, f"proj_bn{tail}"), getattr(self, f"proj_conv{tail}"), x)
            if s == 3:
                x = shortcut = pool(x) if pools else x
            x = getattr(self, f"proj_lif{tail}")(x)
            x = pool(x) if s < 3 and pools else x
        return normed(self.rpe_bn, self.rpe_conv, x) + shortcut


class MaskAttention(Branch):
    """SDSA-1, or attention over chunks of steps. Gives currents."""

    def __init__(self, dim, heads, neuron, dvs_mode, chunk):
        super().__init__()
        self.heads, self.dvs_mode, self.chunk = heads, dvs_mode, chunk
        self.shortcut_lif = neuron()
        for name in "qkv":
            self.add(name, conv(dim, dim, 1), nn.BatchNorm2d(dim), neuron())
        self.attn_lif = neuron(0.5)  # STAtten's
        self.talking_heads = nn.Conv1d(heads, heads, 1, bias=False)  # never called
        self.talking_heads_lif = neuron(0.5, channels=None)  # SDSA's
        self.add("proj", conv(dim, dim, 1, bias=True), nn.BatchNorm2d(dim), None)

    @staticmethod
    def erode(x):
        return nn.functional.max_pool3d(x, (1, 3, 3), 1, (0, 1, 1))

    def sdsa(self, q, k, v):
        kv = in_heads(k, self.heads) * in_heads(v, self.heads)
        kv = self.erode(kv.flatten(0, 1)).reshape(kv.shape) if self.dvs_mode else kv
        y = in_heads(q, self.heads) * self.talking_heads_lif(kv.sum(3, keepdim=True))
        return out_of_heads(self.erode(y.flatten(0, 1)).reshape(y.shape) if self.dvs_mode else y)

    def over_chunks(self, q, k, v, scale):
        def merged(x):  # [T B C N] to [T/c B h cN d]
            x = in_heads(x, self.heads).unflatten(0, (-1, self.chunk))
            return x.permute(0, 2, 3, 1, 4, 5).flatten(3, 4)
        q, k, v = (merged(x) for x in (q, k, v))
        y = (q @ (k.transpose(-2, -1) @ v * scale)).unflatten(3, (self.chunk, -1))
        return self.attn_lif(out_of_heads(y.permute(0, 3, 1, 2, 4, 5).flatten(0, 1)))

    def forward(self, x):
        side = x.shape[-1]
        spikes = self.shortcut_lif(x)
        q, k, v = (self.fire(name, spikes) for name in "qkv")
        if self.dvs_mode:
            q, k, v = pool(q, 1) if self.chunk else q, pool(k, 1), pool(v, 1)
        q, k, v = (s.flatten(3) for s in (q, k, v))
        if not self.chunk:
            y = self.sdsa(q, k, v)
        else:
            y = self.over_chunks(q, k, v, 1 / (side * side * self.chunk) if self.dvs_mode else 1 / side)
        y = y.reshape(x.shape)
        if self.chunk and self.dvs_mode:
            gate = pool(spikes, 1)
            y = y * gate + gate
        return self.currents("proj", y)


class MaskBlock(nn.Module):
    def __init__(self, dim, heads, neuron, attention_neuron, dvs_mode, chunk):
        super().__init__()
        self.attn = MaskAttention(dim, heads, attention_neuron, dvs_mode, chunk)
        self.mlp = PreNeuronMlp(("fc1", "fc2"), dim, 4, neuron)

    def forward(self, x):
        x = self.attn(x) + x
        return self.mlp(x) + x


class SpikeDriven(nn.Module):
    """V1; with chunk > 0 STAtten."""

    def __init__(self, pooling, channels=3, dim=64, heads=4, depth=2, classes=10, dvs_mode=False, plif=False, chunk=0):
        super().__init__()
        self.is_events = dvs_mode
        neuron = Plif if plif else Lif
        self.patch_embed = CurrentPatches(pooling, channels, dim, neuron)
        self.block = nn.ModuleList([MaskBlock(dim, heads, neuron, Lif if chunk else neuron, dvs_mode, chunk)
                                    for _ in range(depth)])
        self.head_lif, self.head = neuron(), nn.Linear(dim, classes)

    def forward(self, x, steps):
        x = self.patch_embed(x if self.is_events else repeat(x, steps))
        for block in self.block:
            x = block(x)
        return over_steps(self.head, self.head_lif(x.flatten(3).mean(3))).mean(0)
