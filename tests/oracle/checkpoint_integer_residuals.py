"""Spikformer and QKFormer with the authors' module names: shortcuts that add spikes."""
import torch
from torch import nn

from checkpoint_parts import Branch, Lif, LifOverBatch, conv, in_heads, normed, out_of_heads, pool, repeat


# --- Spikformer ---
class SpikformerPatches(nn.Module):
    def __init__(self, variant, channels, dim):
        super().__init__()
        self.pooled = (2, 3) if variant == "cifar" else (0, 1, 2, 3)
        widths = (channels, dim // 8, dim // 4, dim // 2, dim)
        for s in range(4):
            tail = str(s) if s else ""
            setattr(self, f"proj_conv{tail}", conv(widths[s], widths[s + 1]))
            setattr(self, f"proj_bn{tail}", nn.BatchNorm2d(widths[s + 1]))
            setattr(self, f"proj_lif{tail}", Lif())
        self.rpe_conv, self.rpe_bn, self.rpe_lif = conv(dim, dim), nn.BatchNorm2d(dim), Lif()

    def forward(self, x):
        for s in range(4):
            tail = str(s) if s else ""
            x = normed(getattr(self, f"proj_bn{tail}"), getattr(self, f"proj_conv{tail}"), x)
            x = getattr(self, f"proj_lif{tail}")(x)
            x = pool(x) if s in self.pooled else x
        return self.rpe_lif(normed(self.rpe_bn, self.rpe_conv, x)) + x


class TokenNorm(nn.BatchNorm1d):
    """Over the channels of [S N C]."""

    def forward(self, x):
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class SpikformerAttention(Branch):
    def __init__(self, variant, dim, heads):
        super().__init__()
        self.variant, self.heads, self.scale = variant, heads, 0.25 if variant == "dvs" else 0.125
        for name in "qkv":
            if variant == "cifar":
                self.add(name, nn.Linear(dim, dim), TokenNorm(dim), Lif(channels=None), "linear")
            else:
                self.add(name, nn.Conv1d(dim, dim, 1, bias=False), nn.BatchNorm1d(dim), Lif())
        self.attn_lif = Lif(0.5, channels=None if variant == "cifar" else 2)
        if variant == "cifar":
            self.add("proj", nn.Linear(dim, dim), TokenNorm(dim), Lif(channels=None), "linear")
        else:
            self.add("proj", nn.Conv1d(dim, dim, 1), nn.BatchNorm1d(dim), Lif())

    def forward(self, x):
        is_cifar = self.variant == "cifar"
        spikes = [self.fire(name, x) for name in "qkv"]
        q, k, v = (in_heads(s.transpose(2, 3) if is_cifar else s, self.heads) for s in spikes)
        if self.variant == "imagenet":
            y = q @ (k.transpose(-2, -1) @ v) * self.scale
        else:
            y = q @ k.transpose(-2, -1) @ v * self.scale
        y = out_of_heads(y)
        return self.fire("proj", self.attn_lif(y.transpose(2, 3) if is_cifar else y))


class SpikformerMlp(Branch):
    def __init__(self, variant, dim):
        super().__init__()
        self.variant = variant
        for name, inputs, outputs in (("fc1", dim, 4 * dim), ("fc2", 4 * dim, dim)):
            if variant == "cifar":
                self.add(name, nn.Linear(inputs, outputs), TokenNorm(outputs), Lif(channels=None), "linear")
            elif variant == "imagenet":
                self.add(name, conv(inputs, outputs, 1, bias=True), nn.BatchNorm2d(outputs), Lif())
            else:
                self.add(name, nn.Conv1d(inputs, outputs, 1), nn.BatchNorm1d(outputs), Lif())

    def forward(self, x):
        if self.variant == "imagenet":  # reads images; the map is square
            side = int(x.shape[-1] ** 0.5)
            return self.fire("fc2", self.fire("fc1", x.unflatten(3, (side, side)))).flatten(3)
        return self.fire("fc2", self.fire("fc1", x))


class SpikformerBlock(nn.Module):
    def __init__(self, variant, dim, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)  # never called
        self.attn, self.mlp = SpikformerAttention(variant, dim, heads), SpikformerMlp(variant, dim)

    def forward(self, x):
        x = x + self.attn(x)
        return x + self.mlp(x)


class Spikformer(nn.Module):
    def __init__(self, variant, channels=3, dim=64, heads=4, depth=2, classes=10, tokens=16):
        super().__init__()
        self.variant = variant
        self.patch_embed = SpikformerPatches(variant, channels, dim)
        if variant == "dvs":  # never read
            self.pos_embed, self.norm = nn.Parameter(torch.zeros(1, tokens, dim)), nn.LayerNorm(dim)
        self.block = nn.ModuleList([SpikformerBlock(variant, dim, heads) for _ in range(depth)])
        self.head = nn.Linear(dim, classes)

    def forward(self, x, steps):
        x = self.patch_embed(x if self.variant == "dvs" else repeat(x, steps)).flatten(3)
        x = x.transpose(2, 3) if self.variant == "cifar" else x
        for block in self.block:
            x = block(x)
        return self.head(x.mean(2 if self.variant == "cifar" else 3).mean(0))


# --- QKFormer ---
class FirstPatches(Branch):
    def __init__(self, variant, channels, width):
        super().__init__()
        self.variant = variant
        if variant == "dvs":
            self.sizes = {"proj": (channels, width // 8), "proj1": (width // 8, width // 4),
                          "proj2": (width // 4, width // 2), "proj3": (width // 2, width)}
            shortcut = conv(width // 4, width, 1, 4)
        else:
            self.sizes = {"proj": (channels, width // 2), "proj1": (width // 2, width)}
            if variant == "imagenet":
                self.sizes["proj2"] = (width, width)
            shortcut = conv(width // 2, width, 1, 2 if variant == "imagenet" else 1)
        for name, (inputs, outputs) in self.sizes.items():
            self.add(name, conv(inputs, outputs), nn.BatchNorm2d(outputs), Lif())
        self.add("proj_res", shortcut, nn.BatchNorm2d(width), Lif())

    def pooled(self, name, x):
        return getattr(self, f"{name}_lif")(pool(self.currents(name, x)))

    def forward(self, x):
        if self.variant == "cifar":
            a = self.fire("proj", x)
            return self.fire("proj1", a) + self.fire("proj_res", a)
        if self.variant == "imagenet":
            a = self.pooled("proj", x)
            return self.fire("proj2", self.pooled("proj1", a)) + self.fire("proj_res", a)
        a = self.pooled("proj1", self.fire("proj", x))
        return self.pooled("proj3", self.pooled("proj2", a)) + self.fire("proj_res", a)


class NextPatches(FirstPatches):
    def __init__(self, variant, inputs, width):
        Branch.__init__(self)
        self.variant, self.first = variant, "proj" if variant == "dvs" else "proj3"
        self.add(self.first, conv(inputs, width), nn.BatchNorm2d(width), Lif())
        self.add("proj4", conv(width, width), nn.BatchNorm2d(width), Lif())
        self.add("proj_res", conv(inputs, width, 1, 2), nn.BatchNorm2d(width), Lif())

    def forward(self, x):
        if self.variant == "imagenet":
            y = self.fire("proj4", self.pooled(self.first, x))
        else:
            y = self.pooled("proj4", self.fire(self.first, x))
        return y + self.fire("proj_res", x)


class QkAttention(Branch):
    """Reads and gives [T B C Y X]. SSA's proj_lif: over the steps of a sample, or over the batch as in the code."""

    def __init__(self, width, heads, names, proj_lif=Lif):
        super().__init__()
        self.heads, self.names = heads, names
        for name in names:
            self.add(name, nn.Conv1d(width, width, 1, bias=False), nn.BatchNorm1d(width), Lif())
        self.attn_lif = Lif(0.5)
        self.add("proj", nn.Conv1d(width, width, 1), nn.BatchNorm1d(width), proj_lif())

    def forward(self, x):
        tokens = x.flatten(3)
        spikes = [in_heads(self.fire(name, tokens), self.heads) for name in self.names]
        if len(spikes) == 2:
            q, k = spikes
            y = self.attn_lif(q.sum(4).unsqueeze(3)).transpose(3, 4) * k
            y = out_of_heads(y)
        else:
            q, k, v = spikes
            y = self.attn_lif(out_of_heads(q @ (k.transpose(-2, -1) @ v) * 0.125))
        return self.fire("proj", y).reshape(x.shape)


class QkMlp(Branch):
    def __init__(self, names, width, ratio):
        super().__init__()
        self.names = names
        self.add(names[0], conv(width, ratio * width, 1, bias=True), nn.BatchNorm2d(ratio * width), Lif())
        self.add(names[1], conv(ratio * width, width, 1, bias=True), nn.BatchNorm2d(width), Lif())

    def forward(self, x):
        return self.fire(self.names[1], self.fire(self.names[0], x))


class QkBlock(nn.Module):
    def __init__(self, variant, width, heads, kind, ratio, proj_lif):
        super().__init__()
        self.kind = kind
        is_mask = kind == "tssa"
        setattr(self, kind, QkAttention(width, heads, "qk" if is_mask else "qkv", Lif if is_mask else proj_lif))
        self.mlp = QkMlp(("fc1", "fc2") if variant == "imagenet" else ("mlp1", "mlp2"), width, ratio)

    def forward(self, x):
        x = x + getattr(self, self.kind)(x)
        return x + self.mlp(x)


class Qkformer(nn.Module):
    def __init__(self, variant, channels=3, dim=64, heads=4, depth=4, classes=10, ratio=4, proj_lif=Lif):
        super().__init__()
        self.variant = variant
        stages = {"cifar": ((dim // 4, 1, "tssa"), (dim // 2, 1, "tssa"), (dim, depth - 2, "ssa")),
                  "imagenet": ((dim // 4, 1, "tssa"), (dim // 2, 2, "tssa"), (dim, depth - 3, "attn")),
                  "dvs": ((dim // 2, 1, "tssa"), (dim, 1, "ssa"))}[variant]
        self.stages = len(stages)
        for s, (width, blocks, kind) in enumerate(stages, 1):
            patches = FirstPatches(variant, channels, width) if s == 1 else NextPatches(variant, stages[s - 2][0], width)
            setattr(self, f"patch_embed{s}", patches)
            stage = nn.Sequential(*(QkBlock(variant, width, heads, kind, ratio, proj_lif) for _ in range(blocks)))
            setattr(self, f"stage{s}", stage)
        self.head = nn.Linear(dim, classes)

    def forward(self, x, steps):
        x = x if self.variant == "dvs" else repeat(x, steps)
        for s in range(1, self.stages + 1):
            x = getattr(self, f"stage{s}")(getattr(self, f"patch_embed{s}")(x))
        return self.head(x.flatten(3).mean(3).mean(0))
