# What several mechanisms share: heads, and the exact Shiftmax.
import math

import torch

FLOAT64_BITS = 53
LEAST_EXPONENT = -126  # of a normal float32


def split_heads(x, heads):
    """[... N C] to [... H N d], channel c = head d + j."""
    return x.unflatten(-1, (heads, x.shape[-1] // heads)).transpose(-2, -3)


def join_heads(x):
    return x.transpose(-2, -3).flatten(-2)


def power_of_two(exponent):
    """2^exponent as float32 by its bits; exponent is int32 in -126 .. 127."""
    return ((exponent + 127) << 23).view(torch.float32)


def ceil_log2_of_sum(exponents):
    """ceil(log2(sum 2^e)) of one row, by integers of any size."""
    least = min(exponents)
    return (sum(1 << (e - least) for e in exponents) - 1).bit_length() + least


def shift_counts(score):
    """n = gamma - score, 2^gamma the smallest power of two >= the row sum of 2^score; score holds integers.
    The sum is taken in float64, and by integers in rows too wide for it."""
    below = score.to(torch.int32)
    below = below - below.amax(-1, keepdim=True)
    total = power_of_two(below.clamp_min(LEAST_EXPONENT)).sum(-1, keepdim=True, dtype=torch.float64)
    mantissa, exponent = torch.frexp(total)  # total = mantissa 2^exponent, mantissa in [1/2, 1)
    gamma = exponent - (mantissa == 0.5).to(torch.int32)
    exact_range = FLOAT64_BITS - 1 - math.ceil(math.log2(score.shape[-1]))
    if below.amin() < -exact_range:
        for row in (below.amin(-1) < -exact_range).nonzero().tolist():
            gamma[tuple(row)] = ceil_log2_of_sum(below[tuple(row)].tolist())
    return gamma - below


class Shiftmax(torch.autograd.Function):
    """2^-n, and 0 where n > max_shift (None cuts none). Backward: the softmax of base 2, p the row divided by
    its sum."""

    @staticmethod
    def forward(ctx, score, max_shift):
        n = shift_counts(score)
        weight = power_of_two(-n.clamp_max(-LEAST_EXPONENT)).to(score.dtype)
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
