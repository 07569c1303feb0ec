# Spiking CAT: ternary values under real softmax weights, or spikes on both sides.
import torch
from torch import nn

from attention import join_heads, split_heads
from layers import LinearNorm
from mechanisms.cat import circulant
from neurons import gradient_through_time, lif, tsn

KERNEL_GAIN = 2.0  # BN gain in front of the LIF of the kernel, which would hardly fire on unit variance


def rolled_sum(a, v, direction):
    """Sums of integers: float32 transforms err by less than 1e-3 here, so rounding gives them exactly. The gradient
    is that of the product."""
    y = circulant(a, v, direction)
    return y + (torch.round(y) - y).detach()


class Fires(torch.autograd.Function):
    """[sum >= threshold max(1, count)]; backward: the ATan surrogate of sum / max(1, count) - threshold, with the
    count held constant."""

    @staticmethod
    def forward(ctx, total, count, threshold):
        bar = threshold * count.clamp_min(1)
        ctx.save_for_backward(total, count)
        ctx.threshold = threshold
        return (total >= bar).to(total.dtype)

    @staticmethod
    def backward(ctx, grad):
        total, count = ctx.saved_tensors
        count = count.clamp_min(1)
        distance = (total / count - ctx.threshold).unsqueeze(0)
        slope = gradient_through_time(grad.unsqueeze(0), distance, distance, 0.0).squeeze(0)
        return slope / count, None, None


class SpikingCat(nn.Module):
    """Our proposal, not the paper's. v = TSN(BN(X W_V)) in {-1, 0, 1}.
    mode A: weights softmax(BN(X W_A)) in each step, real sums into a TSN.
    mode B: kernel spikes a = LIF(BN(X W_A)) in {0, 1}; a place fires when sum_k a_k v >= threshold max(1, sum a)."""
    spiking = True
    about = "spiking CAT"

    def __init__(self, width, heads, tokens, mode="A", direction="corr", v_threshold=1.0, out_threshold=0.5):
        super().__init__()
        self.heads, self.mode, self.direction = heads, mode, direction
        self.v_threshold, self.out_threshold = v_threshold, out_threshold
        self.z = LinearNorm(width, heads, KERNEL_GAIN if mode == "B" else 1.0)
        self.v = LinearNorm(width, width)

    def forward(self, x, record, name):
        v = split_heads(record(name + ".v", tsn(self.v(x), threshold=self.v_threshold)), self.heads)
        z = self.z(x)
        if self.mode == "A":
            y = circulant(torch.softmax(z.transpose(-1, -2), -1), v, self.direction)
            return record(name + ".attn.tsn", tsn(join_heads(y), threshold=self.out_threshold))
        a = record(name + ".a", lif(z)).transpose(-1, -2)
        total = rolled_sum(a, v, self.direction)
        return join_heads(Fires.apply(total, a.sum(-1)[..., None, None].expand_as(total), self.out_threshold))

    def write(self, graph, x, name):
        v = graph.ternary(name + ".v", graph.linear(name + ".v.linear", x, self.v), self.v_threshold)
        z = graph.linear(name + ".z", x, self.z)
        settings = {"heads": self.heads, "direction": self.direction}
        if self.mode == "A":
            y = graph.node(name + ".attn", "attention.cat", [z, v], settings)
            return graph.ternary(name + ".attn.tsn", y, self.out_threshold)
        a = graph.lif(name + ".a", z)
        return graph.node(name + ".attn", "attention.cat_spikes", [a, v],
                          {**settings, "threshold": self.out_threshold})
