# LIF and ternary (TSN) neurons: whole layer, all steps, hand-written surrogate backward.
import math

import torch

# Surrogate: ATan with alpha 2, dS/dh = 1 / (1 + (pi (h - threshold))^2).


def gradient_through_time(grad, distance, keep, decay):
    """dL/dh[t] = dL/ds[t] sg(distance[t]) + decay keep[t] dL/dh[t+1]; keep is 0 where the neuron fired."""
    total = grad / distance.mul_(math.pi).square_().add_(1)
    for t in range(total.shape[0] - 2, -1, -1):
        total[t].addcmul_(total[t + 1], keep[t], value=decay)
    return total


class Lif(torch.autograd.Function):
    """h = v + (x - v)/tau; s = [h >= threshold]; v = h (1 - s), the reset detached. x, s [T ...]."""

    @staticmethod
    def forward(ctx, x, tau, threshold):
        h, keep = torch.empty_like(x), torch.empty_like(x)
        v = torch.zeros_like(x[0])
        for t in range(x.shape[0]):
            torch.lerp(v, x[t], 1 / tau, out=h[t])
            torch.lt(h[t], threshold, out=keep[t])
            torch.mul(h[t], keep[t], out=v)
        ctx.save_for_backward(h, keep)
        ctx.tau, ctx.threshold = tau, threshold
        return 1 - keep

    @staticmethod
    def backward(ctx, grad):
        h, keep = ctx.saved_tensors
        total = gradient_through_time(grad, h - ctx.threshold, keep, 1 - 1 / ctx.tau)
        return total.mul_(1 / ctx.tau), None, None


class Tsn(torch.autograd.Function):
    """u = h + x; s = sign(u) if |u| >= threshold else 0; h = tau u (1 - |s|), the reset detached.
    x, s [T ...]. dS/du = sg(|u| - threshold): the sign of the rule and that of |u| cancel."""

    @staticmethod
    def forward(ctx, x, tau, threshold):
        u, keep = torch.empty_like(x), torch.empty_like(x)
        h = torch.zeros_like(x[0])
        for t in range(x.shape[0]):
            torch.add(h, x[t], out=u[t])
            torch.lt(u[t].abs(), threshold, out=keep[t])
            torch.mul(u[t], keep[t], out=h).mul_(tau)
        ctx.save_for_backward(u, keep)
        ctx.tau, ctx.threshold = tau, threshold
        return torch.sign(u).mul_(1 - keep)

    @staticmethod
    def backward(ctx, grad):
        u, keep = ctx.saved_tensors
        return gradient_through_time(grad, u.abs().sub_(ctx.threshold), keep, ctx.tau), None, None


def lif(x, tau=2.0, threshold=1.0):
    return Lif.apply(x, tau, threshold)


def tsn(x, tau=0.5, threshold=1.0):
    return Tsn.apply(x, tau, threshold)


class RoundedInteger(torch.autograd.Function):
    """round(clip(h, 0, levels)), x.5 to even; backward: 1 where 0 <= h <= levels."""

    @staticmethod
    def forward(ctx, h, levels):
        ctx.save_for_backward((h >= 0) & (h <= levels))
        return torch.round(h.clamp(0, levels))

    @staticmethod
    def backward(ctx, grad):
        inside, = ctx.saved_tensors
        return grad * inside, None


def graded(x, levels=4, beta=0.25):
    """I-LIF: h = beta v + x; s = round(clip(h, 0, levels)); v = h - s. x, s [T ...]."""
    v, spikes = torch.zeros_like(x[0]), []
    for t in range(x.shape[0]):
        h = beta * v + x[t]
        spikes.append(RoundedInteger.apply(h, levels))
        v = h - spikes[-1]
    return torch.stack(spikes)
