# A visual parser: vision transformer, word embeddings and joint blocks; dense and spiking.
import dataclasses

import torch
from torch import nn

import captions
import twins
from attention import join_heads, split_heads
from graph_text import Graph
from layers import LinearNorm, linear
from neurons import lif

SIDE, PATCH = 8, 2
GRID = SIDE // PATCH
WINDOW = 2
IMAGE_TOKENS, TEXT_TOKENS = GRID * GRID, captions.LENGTH
VISUAL = (0, 1, None)  # shift of the windows of each visual block; None: all tokens see each other
OUT_THRESHOLD = 0.5    # of the neuron behind a spiking attention
SSA_SCALE = 0.125
TABLE_STD = {True: 2.0, False: 0.5}


@dataclasses.dataclass(frozen=True)
class Shape:
    width: int = 64
    heads: int = 4
    joint: int = 2  # blocks over image and text


def window_order(shift):
    """The tokens of the grid window by window, the grid rolled by `shift` towards its upper left corner."""
    place = torch.arange(IMAGE_TOKENS).view(GRID, GRID).roll((-shift, -shift), (0, 1))
    across = GRID // WINDOW
    return place.view(across, WINDOW, across, WINDOW).transpose(1, 2).reshape(-1)


def window_mask(shift):
    """[N N] booleans: do two tokens stand in one window?"""
    window = torch.empty(IMAGE_TOKENS, dtype=torch.long)
    window[window_order(shift)] = torch.arange(IMAGE_TOKENS) // WINDOW ** 2
    return window[:, None] == window[None, :]


def apart_mask():
    """[N N] booleans: the cross-modal blocks are False."""
    is_text = torch.arange(IMAGE_TOKENS + TEXT_TOKENS) >= IMAGE_TOKENS
    return is_text[:, None] == is_text[None, :]


class Attention(nn.Module):
    """Softmax of real scores, or SSA of spikes. mask [N N]: False entries of the score are left out. maps: where the
    head mean of the score [S N M] of each forward goes (spiking: the mean over T), when it is a list."""

    def __init__(self, shape, spiking, mask=None):
        super().__init__()
        self.heads, self.spiking, self.mask, self.maps = shape.heads, spiking, mask, None
        make = (lambda: LinearNorm(shape.width, shape.width)) if spiking else (
            lambda: linear(shape.width, shape.width, bias=True))
        self.q, self.k, self.v = make(), make(), make()

    def forward(self, z, record, name):
        q, k, v = self.q(z), self.k(z), self.v(z)
        if self.spiking:
            q, k, v = (record(f"{name}.{letter}", lif(x)) for letter, x in zip("qkv", (q, k, v)))
        q, k, v = (split_heads(x, self.heads) for x in (q, k, v))
        score = q @ k.transpose(-1, -2)
        if self.spiking:
            score = score if self.mask is None else score * self.mask
        else:
            score = score * q.shape[-1] ** -0.5
            score = torch.softmax(score if self.mask is None else score.masked_fill(~self.mask, -torch.inf), -1)
        if self.maps is not None:
            self.maps.append(score.mean((0, 2)) if self.spiking else score.mean(1))
        y = join_heads(score @ v)
        return record(name + ".attn.lif", lif(y * SSA_SCALE, threshold=OUT_THRESHOLD)) if self.spiking else y

    def write(self, graph, z, name, segments):
        more = {"segments": segments} if segments else {}
        if not self.spiking:
            q, k, v = (graph.linear(f"{name}.{letter}", z, getattr(self, letter)) for letter in "qkv")
            return graph.node(name + ".attn", "attention.softmax", [q, k, v], {"heads": self.heads, **more})
        q, k, v = (graph.lif(f"{name}.{letter}", graph.linear(f"{name}.{letter}.linear", z, getattr(self, letter)))
                   for letter in "qkv")
        y = graph.node(name + ".attn", "attention.ssa", [q, k, v],
                       {"heads": self.heads, "scale": SSA_SCALE, "order": "qk_v", **more})
        return graph.lif(name + ".attn.lif", y, OUT_THRESHOLD)


class SpikingBlock(nn.Module):
    """Membrane shortcut: X += proj(attention(LIF(X))), X += fc2(LIF(fc1(LIF(X)))). X [T S N C]."""

    def __init__(self, shape, mask=None):
        super().__init__()
        width = shape.width
        self.attention = Attention(shape, True, mask)
        self.proj = LinearNorm(width, width)
        self.fc1 = LinearNorm(width, 2 * width, twins.FIRST_GAIN)
        self.fc2 = LinearNorm(2 * width, width)

    def forward(self, x, record, name):
        x = x + self.proj(self.attention(record(name + ".lif", lif(x)), record, name))
        hidden = record(name + ".fc1.lif", lif(self.fc1(record(name + ".mlp.lif", lif(x)))))
        return x + self.fc2(hidden)

    def write(self, graph, x, name, segments=None):
        y = self.attention.write(graph, graph.lif(name + ".lif", x), name, segments)
        x = graph.add(name + ".add", x, graph.linear(name + ".proj", y, self.proj))
        z = graph.linear(name + ".fc1", graph.lif(name + ".mlp.lif", x), self.fc1)
        return graph.add(name + ".mlp.add", x,
                         graph.linear(name + ".fc2", graph.lif(name + ".fc1.lif", z), self.fc2))


class DenseBlock(nn.Module):
    """Pre-LayerNorm and GELU. X [S N C]."""

    def __init__(self, shape, mask=None):
        super().__init__()
        width = shape.width
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(shape, False, mask)
        self.proj = linear(width, width, True, twins.DENSE_BRANCH_GAIN)
        self.fc1 = linear(width, 2 * width, bias=True)
        self.fc2 = linear(2 * width, width, True, twins.DENSE_BRANCH_GAIN)

    def forward(self, x, record, name):
        x = x + self.proj(self.attention(self.norm1(x), record, name))
        return x + self.fc2(nn.functional.gelu(self.fc1(self.norm2(x))))

    def write(self, graph, x, name, segments=None):
        y = self.attention.write(graph, graph.norm(name + ".norm1", x, self.norm1), name, segments)
        x = graph.add(name + ".add", x, graph.linear(name + ".proj", y, self.proj))
        z = graph.linear(name + ".fc1", graph.norm(name + ".norm2", x, self.norm2), self.fc1)
        return graph.add(name + ".mlp.add", x,
                         graph.linear(name + ".fc2", graph.node(name + ".gelu", "gelu", [z]), self.fc2))


class VisualParser(nn.Module):
    """Image -> visual blocks -> link -> image tokens; words -> table -> text tokens; both -> joint blocks -> heads.
    itm reads the mean over the text tokens, mlm each of them, mfr each image token."""

    def __init__(self, spiking, shape=Shape()):
        super().__init__()
        width = shape.width
        self.shape, self.spiking, self.steps, self.ordered = shape, spiking, twins.STEPS, False
        block = SpikingBlock if spiking else DenseBlock
        std = twins.POSITION_STD[spiking]
        self.embed = (LinearNorm(PATCH ** 2, width, twins.FIRST_GAIN) if spiking
                      else linear(PATCH ** 2, width, bias=True))
        self.position = nn.Parameter(torch.randn(IMAGE_TOKENS, width) * std)
        self.visual = nn.ModuleList(block(shape, None if s is None else window_mask(s)) for s in VISUAL)
        self.link_norm = nn.Identity() if spiking else nn.LayerNorm(width)
        self.link = LinearNorm(width, width, twins.FIRST_GAIN) if spiking else linear(width, width, bias=True)
        self.joint_position = nn.Parameter(torch.randn(IMAGE_TOKENS, width) * std)
        self.table = nn.Parameter(torch.randn(len(captions.WORDS), width) * TABLE_STD[spiking])
        self.text_position = nn.Parameter(torch.randn(TEXT_TOKENS, width) * std)
        self.mask_token = nn.Parameter(torch.randn(width) * TABLE_STD[spiking])
        self.joint = nn.ModuleList(block(shape) for _ in range(shape.joint))
        self.norm = nn.Identity() if spiking else nn.LayerNorm(width)
        self.itm = linear(width, 2, bias=True)
        self.mlm = linear(width, len(captions.WORDS), bias=True)
        self.mfr = linear(width, width, bias=True)
        self.name = linear(width, len(captions.CLASSES), bias=True)  # in training alone

    def visual_features(self, image, record=twins.keep):
        """The image tokens before the joint blocks, [T S N C] or [S N C], without position."""
        x = self.embed(twins.patches(image, PATCH)) + self.position
        if self.spiking:
            x = x.expand(self.steps, *x.shape)
        for index, block in enumerate(self.visual):
            x = block(x, record, f"visual{index}")
        return self.link(record("link.lif", lif(x)) if self.spiking else self.link_norm(x))

    def fuse(self, features, tokens, record=twins.keep, hidden=None):
        """The joint stream [T S N + L C]. hidden [S N] booleans: image tokens that become the mask token."""
        if hidden is not None:
            features = torch.where(hidden[..., None], self.mask_token, features)
        words = self.table[tokens] + self.text_position
        if self.spiking:
            words = words.expand(self.steps, *words.shape)
        x = torch.cat([features + self.joint_position, words], -2)
        for index, block in enumerate(self.joint):
            x = block(x, record, f"joint{index}")
        return self.norm(x)

    def over_steps(self, x):
        return x.mean(0) if self.spiking else x

    def match(self, stream):
        """Logits [S 2]; 1: the caption is the image's."""
        if self.ordered:
            return twins.ordered_linear(twins.readout_mean(stream[:, :, IMAGE_TOKENS:]), self.itm)
        return self.itm(self.over_steps(stream)[:, IMAGE_TOKENS:].mean(1))

    def words(self, stream):
        return self.mlm(self.over_steps(stream)[:, IMAGE_TOKENS:])

    def names(self, features):
        """Logits of the digit's class from the image tokens before the joint blocks."""
        return self.name(self.over_steps(features).mean(1))

    def features(self, stream):
        return self.mfr(self.over_steps(stream)[:, :IMAGE_TOKENS])

    def forward(self, image, tokens, record=twins.keep):
        return self.match(self.fuse(self.visual_features(image, record), tokens, record))

    def set_apart(self, layers):
        """Zeroes the cross-modal blocks of the attention of these joint layers, of no others."""
        for index, block in enumerate(self.joint):
            block.attention.mask = apart_mask() if index in layers else None

    def write(self, apart=()):
        """The graph of a folded model for matching; apart: joint layers without cross-modal blocks."""
        graph = Graph()
        x = graph.node("patches", "layout.patches", ["image"], {"patch": PATCH})
        x = graph.linear("embed", x, self.embed)
        x = graph.node("position", "embed.position", [x], weights={"weight": self.position})
        if self.spiking:
            x = graph.node("encode", "encode.direct", [x])
        for index, (block, shift) in enumerate(zip(self.visual, VISUAL)):
            name = f"visual{index}"
            if shift is None:
                x = block.write(graph, x, name)
                continue
            sizes = {"height": GRID, "width": GRID, "window": WINDOW, "shift": shift}
            x = graph.node(name + ".windows", "layout.windows", [x], sizes)
            x = block.write(graph, x, name, [WINDOW ** 2] * (IMAGE_TOKENS // WINDOW ** 2))
            x = graph.node(name + ".grid", "layout.from_windows", [x], sizes)
        x = graph.lif("link.lif", x) if self.spiking else graph.norm("link.norm", x, self.link_norm)
        x = graph.linear("link", x, self.link)
        x = graph.node("joint.position", "embed.position", [x], weights={"weight": self.joint_position})
        words = graph.node("words", "embed.table", ["tokens"], weights={"weight": self.table})
        words = graph.node("words.position", "embed.position", [words], weights={"weight": self.text_position})
        if self.spiking:
            words = graph.node("words.encode", "encode.direct", [words])
        x = graph.node("joint", "merge.tokens", [x, words])
        for index, block in enumerate(self.joint):
            x = block.write(graph, x, f"joint{index}", [IMAGE_TOKENS, TEXT_TOKENS] if index in apart else None)
        x = graph.node("text", "layout.take_tokens", [x], {"first": IMAGE_TOKENS, "count": TEXT_TOKENS})
        if not self.spiking:
            x = graph.norm("norm", x, self.norm)
        x = graph.node("readout", "readout.mean", [x], {"axes": "T N" if self.spiking else "N"})
        graph.linear("itm", x, self.itm)
        return graph
