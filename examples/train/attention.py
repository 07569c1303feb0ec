# Softmax, binary (SSA) and bipolar (BSA, exact Shiftmax) attention.
import math

import torch

SSA_SCALE = 0.125


def split_heads(x, heads):
    """[... N C] to [... H N d], channel c = head d + j."""
    return x.unflatten(-1, (heads, x.shape[-1] // heads)).transpose(-2, -3)


def join_heads(x):
    return x.transpose(-2, -3).flatten(-2)


def softmax_attention(q, k, v, heads):
    q, k, v = (split_heads(x, heads) for x in (q, k, v))
    score = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    return join_heads(torch.softmax(score, -1) @ v)


def ssa(q, k, v, heads):
    """(q k^T) v scaled, no softmax; q, k, v binary."""
    q, k, v = (split_heads(x, heads) for x in (q, k, v))
    return join_heads((q @ k.transpose(-1, -2)) @ v * SSA_SCALE)


def power_of_two(exponent):
    """2^exponent as float32 by its bits; exponent is int32 in -126 .. 127."""
    return ((exponent + 127) << 23).view(torch.float32)


def shift_counts(score):
    """n = gamma - score, 2^gamma the smallest power of two >= the row sum of 2^score.
    The sum is taken in float64: exact while the row's range + log2 N stays below 52."""
    below = score.to(torch.int32)
    below = below - below.amax(-1, keepdim=True)
    total = power_of_two(below).sum(-1, keepdim=True, dtype=torch.float64)
    mantissa, exponent = torch.frexp(total)  # total = mantissa 2^exponent, mantissa in [1/2, 1)
    return exponent - (mantissa == 0.5).to(torch.int32) - below


class Shiftmax(torch.autograd.Function):
    """2^-n, and 0 where n > max_shift. Backward: the softmax of base 2, p the row divided by its sum."""

    @staticmethod
    def forward(ctx, score, max_shift):
        n = shift_counts(score)
        weight = power_of_two(-n)
        if max_shift is not None:
            weight.masked_fill_(n > max_shift, 0)
        ctx.save_for_backward(weight)
        return weight

    @staticmethod
    def backward(ctx, grad):
        weight, = ctx.saved_tensors
        p = weight / weight.sum(-1, keepdim=True)
        mean = (p * grad).sum(-1, keepdim=True)
        return (grad - mean).mul_(p).mul_(math.log(2)), None


def bsa(q, k, v, heads, max_shift=None):
    """Shiftmax(q k^T) v; q, k ternary, v real."""
    q, k, v = (split_heads(x, heads) for x in (q, k, v))
    return join_heads(Shiftmax.apply(q @ k.transpose(-1, -2), max_shift) @ v)
