# Runs an exported twin from its weights alone, the arithmetic of the simulator.
import math
import zlib

import numpy as np
import torch
from torch.nn import functional

import graph_text
import twins
from attention import join_heads, power_of_two, split_heads

FLOAT64_BITS = 53


class Spiking:
    """dtype float32 is the simulator's arithmetic, float64 the check that no sum was rounded.
    record(node, spikes [T S N C], h [T S N C] before reset) sees every neuron."""

    def __init__(self, weights, dataset, twin, max_shift, dtype=torch.float32, record=None):
        self.weights = {name: torch.from_numpy(np.array(value)).to(dtype) for name, value in weights.items()}
        self.shape, self.twin, self.max_shift = twins.SHAPES[dataset], twin, max_shift
        self.dtype = dtype
        self.record = record or (lambda node, spike, h: None)

    def linear(self, x, node):
        return functional.linear(x, self.weights[node + ".weight"], self.weights[node + ".bias"])

    def lif(self, x, node, settings=graph_text.LIF):
        v = torch.zeros_like(x[0])
        spikes, charged = [], []
        for current in x:
            h = v + (current - v) / settings["tau"]
            spike = (h >= settings["threshold"]).to(self.dtype)
            v = (1 - spike) * h
            spikes.append(spike)
            charged.append(h)
        return self.recorded(node, spikes, charged)

    def ternary(self, x, node, settings):
        h = torch.zeros_like(x[0])
        spikes, charged = [], []
        for current in x:
            u = h + current
            spike = torch.sign(u) * (u.abs() >= settings["threshold"]).to(self.dtype)
            h = settings["tau"] * u * (1 - spike.abs())
            spikes.append(spike)
            charged.append(u)
        return self.recorded(node, spikes, charged)

    def recorded(self, node, spikes, charged):
        spikes = torch.stack(spikes)
        self.record(node, spikes, torch.stack(charged))
        return spikes

    def ssa(self, z, name):
        q, k, v = (self.lif(self.linear(z, node + ".linear"), node)
                   for node in (name + ".q", name + ".k", name + ".v"))
        q, k, v = (split_heads(x, self.shape.heads) for x in (q, k, v))
        y = join_heads((q @ k.transpose(-1, -2)) @ v * 0.125)
        return self.lif(y, name + ".attn.lif", graph_text.LIF_SSA_OUT)

    def bsa(self, z, name):
        q, k = (self.ternary(self.linear(z, node + ".linear"), node, graph_text.TSN_QK)
                for node in (name + ".q", name + ".k"))
        q, k, v = (split_heads(x, self.shape.heads) for x in (q, k, self.linear(z, name + ".v")))
        y = join_heads(shiftmax(q @ k.transpose(-1, -2), self.max_shift).to(self.dtype) @ v)
        return self.ternary(y, name + ".attn.tsn", graph_text.TSN_OUT)

    def block(self, x, name):
        z = self.lif(x, name + ".lif")
        y = self.ssa(z, name) if self.twin == "ssa" else self.bsa(z, name)
        x = x + self.linear(y, name + ".proj")
        z = self.lif(self.linear(self.lif(x, name + ".mlp.lif"), name + ".fc1"), name + ".fc1.lif")
        return x + self.linear(z, name + ".fc2")

    def stream(self, image):
        """X after the last block, [T S N C]."""
        x = self.linear(twins.patches(image.to(self.dtype), self.shape.patch), "embed")
        x = x + self.weights["position.weight"]
        x = x.expand(twins.STEPS, *x.shape)
        for index in range(self.shape.depth):
            x = self.block(x, f"block{index}")
        return x

    def logits(self, image):
        mean = readout_mean(self.stream(image))
        return ordered_linear(mean, self.weights["head.weight"], self.weights["head.bias"])


def readout_mean(x):
    """Mean over T and N of [T S N C]: the sum of a step over n ascending, steps in order, one product."""
    steps, _, tokens, _ = x.shape
    total = torch.zeros_like(x[0, :, 0])
    for t in range(steps):
        step_sum = torch.zeros_like(total)
        for n in range(tokens):
            step_sum = step_sum + x[t, :, n]
        total = total + step_sum
    return total * (torch.ones((), dtype=x.dtype) / (steps * tokens))


def ordered_linear(x, weight, bias):
    """[S C] to [S O]: products added in order of the input, each rounded; the bias last."""
    total = torch.zeros(x.shape[0], weight.shape[0], dtype=x.dtype)
    for i in range(x.shape[1]):
        product = x[:, i:i + 1] * weight[:, i]
        total = total + product
    return total + bias


def ceil_log2_of_sum(exponents):
    """ceil(log2(sum 2^e)) of one row, by integers of any size."""
    least = min(exponents)
    return (sum(1 << (e - least) for e in exponents) - 1).bit_length() + least


def shiftmax(score, max_shift):
    """2^-n as float32, 0 where n > max_shift; n = gamma - score, gamma exact."""
    score = score.to(torch.int32)
    least, most = score.amin(-1, keepdim=True), score.amax(-1, keepdim=True)
    total = power_of_two(score - most).double().sum(-1, keepdim=True)
    mantissa, exponent = torch.frexp(total)
    gamma = most + exponent - (mantissa == 0.5).to(torch.int32)
    wide = (most - least).squeeze(-1) > FLOAT64_BITS - 1 - math.ceil(math.log2(score.shape[-1]))
    for row in wide.nonzero().tolist():  # the float64 sum may have been rounded
        gamma[tuple(row)] = ceil_log2_of_sum(score[tuple(row)].tolist())
    n = gamma - score
    return power_of_two(-n).masked_fill(n > max_shift, 0)


def dense_logits(weights, dataset, image):
    """The dense twin in float64."""
    w = {name: torch.from_numpy(np.array(value)).double() for name, value in weights.items()}
    shape = twins.SHAPES[dataset]

    def linear(x, node):
        return functional.linear(x, w[node + ".weight"], w[node + ".bias"])

    def norm(x, node):
        return functional.layer_norm(x, x.shape[-1:], w[node + ".weight"], w[node + ".bias"], 1e-5)

    def attention(z, name):
        q, k, v = (split_heads(linear(z, f"{name}.{letter}"), shape.heads) for letter in "qkv")
        return join_heads(torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), -1) @ v)

    x = linear(twins.patches(image.double(), shape.patch), "embed") + w["position.weight"]
    for index in range(shape.depth):
        name = f"block{index}"
        x = x + linear(attention(norm(x, name + ".norm1"), name), name + ".proj")
        x = x + linear(functional.gelu(linear(norm(x, name + ".norm2"), name + ".fc1")), name + ".fc2")
    return linear(norm(x, "norm").mean(1), "head")


def spike_checksum(planes):
    """CRC32 of one step: each plane [S N C] of booleans as rows of bits, bit 0 first, C padded to bytes."""
    crc = 0
    for plane in planes:
        rows = plane.reshape(-1, plane.shape[-1])
        crc = zlib.crc32(np.packbits(rows, axis=1, bitorder="little").tobytes(), crc)
    return crc


def is_ternary(node, twin):
    return twin == "bsa" and node.split(".", 1)[1] in ("q", "k", "attn.tsn")


def golden(weights, dataset, twin, max_shift, image):
    """Arrays of a golden file: logits, and for each neuron its checksum and spike count at each step."""
    if twin == "dense":
        return {"logits": dense_logits(weights, dataset, image).float().numpy()}
    arrays = {}

    def record(node, spikes, _):
        values = spikes.numpy().astype(np.int8)
        signs = (1, -1) if is_ternary(node, twin) else (1,)
        checksums = [spike_checksum([step == sign for sign in signs]) for step in values]
        arrays["crc/" + node] = np.array(checksums, np.uint32)
        arrays["count/" + node] = np.array([np.count_nonzero(step) for step in values], np.int64)

    arrays["logits"] = Spiking(weights, dataset, twin, max_shift, record=record).logits(image).numpy()
    return arrays
