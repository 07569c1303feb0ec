# Spiking primal attention: ternary features, the length of a feature inside the threshold of its scores.
import math

import torch
from torch import nn

import primal_parts
from layers import LinearNorm
from neurons import tsn


class LengthNeuron(torch.autograd.Function):
    """sign(a) where a^2 >= threshold^2 nnz and a is not 0, else 0; a [... s], nnz [... 1]. Compared in float64,
    so that it is exact. Backward: ATan, alpha 2, of u = a / sqrt(max(1, nnz)), as in the TSN."""

    @staticmethod
    def forward(ctx, a, nnz, threshold):
        length = nnz.clamp(min=1).sqrt()
        ctx.save_for_backward(a / length, length)
        ctx.threshold = threshold
        reached = a.double() ** 2 >= threshold ** 2 * nnz.double()
        return torch.sign(a) * reached

    @staticmethod
    def backward(ctx, grad):
        u, length = ctx.saved_tensors
        distance = (u.abs() - ctx.threshold) * math.pi
        return grad / (1 + distance ** 2) / length, None, None


class RunningSpikes(torch.autograd.Function):
    """m[n] = decay m[n-1] + x[n] over the tokens, sign(m) where |m| >= threshold, not reset. x [... N C]."""

    @staticmethod
    def forward(ctx, x, decay, threshold):
        m, total = torch.empty_like(x), torch.zeros_like(x[..., 0, :])
        for n in range(x.shape[-2]):
            total = decay * total + x[..., n, :]
            m[..., n, :] = total
        ctx.save_for_backward(m)
        ctx.decay, ctx.threshold = decay, threshold
        return torch.sign(m) * (m.abs() >= threshold)

    @staticmethod
    def backward(ctx, grad):
        m, = ctx.saved_tensors
        total = grad / (1 + ((m.abs() - ctx.threshold) * math.pi) ** 2)
        for n in range(total.shape[-2] - 2, -1, -1):
            total[..., n, :] += ctx.decay * total[..., n + 1, :]
        return total, None, None


class SpikingPrimal(nn.Module):
    """rank: scores s of each head; rows of f(X): min(N, s rank_multi). eta: weight of J^2 of this layer in the
    loss. causal: q and k are spikes of a leaky sum over the tokens so far, the weights do not depend on x."""
    spiking = True
    about = "spiking primal attention, ternary features and scores"

    def __init__(self, width, heads, tokens, rank=8, rank_multi=10, eta=0.1, causal=False, qk_threshold=1.5,
                 score_threshold=1.0, out_threshold=1.0, token_decay=0.5):
        super().__init__()
        self.heads, self.rank_multi, self.eta, self.causal = heads, rank_multi, eta, causal
        self.qk_threshold, self.score_threshold = qk_threshold, score_threshold
        self.out_threshold, self.token_decay = out_threshold, token_decay
        d = width // heads
        rows = d if causal else min(tokens, rank * rank_multi)
        self.indices = primal_parts.sampled_tokens(tokens, rows)
        self.q, self.k = (LinearNorm(width, width) for _ in range(2))
        std = 1.0 if causal else 2 / math.sqrt(rows)  # unit scores at a rate of 1/4
        self.we, self.wr = (nn.Parameter(torch.randn(heads, rows, rank) * std) for _ in range(2))
        self.scale = nn.Parameter(torch.rand(heads, rank))  # Lambda of the authors' code
        self.mix = LinearNorm(2 * rank, d)  # W_c, the same in all heads
        self.last = None

    def side(self, phi, projection):
        """(spikes, normalised scores) [T S N H s] of ternary features [T S N C]."""
        phi = primal_parts.by_heads(phi, self.heads)
        nnz = phi.detach().abs().sum(-1, keepdim=True)
        a = primal_parts.scores(phi, projection)
        return LengthNeuron.apply(a, nnz, self.score_threshold), a / nnz.clamp(min=1).sqrt()

    def spikes(self, x, record, name):
        if self.causal:
            return record(name, RunningSpikes.apply(x, self.token_decay, self.qk_threshold))
        return record(name, tsn(x, threshold=self.qk_threshold))

    def forward(self, z, record, name):
        q, k = (self.spikes(getattr(self, letter)(z), record, f"{name}.{letter}") for letter in "qk")
        we, wr = self.we, self.wr
        if not self.causal:
            sampled = primal_parts.by_heads(z[:, :, self.indices], self.heads)
            we, wr = primal_parts.project(sampled, we), primal_parts.project(sampled, wr)
        (e, real_e), (r, real_r) = self.side(q, we), self.side(k, wr)
        self.last = (real_e, real_r) if self.training else None
        both = record(name + ".attn", torch.cat((e, r), -1).flatten(-2))
        y = self.mix(primal_parts.by_heads(both, self.heads)).flatten(-2)
        return record(name + ".attn.tsn", tsn(y, threshold=self.out_threshold))

    def penalty(self):
        e, r = self.last
        return self.eta * primal_parts.objective(e, r, self.we, self.wr, self.scale) ** 2

    def write(self, graph, z, name):
        inputs = []
        for letter in "qk":
            current = graph.linear(f"{name}.{letter}.linear", z, getattr(self, letter))
            inputs.append(graph.node(f"{name}.{letter}", "attention.running_spikes", [current],
                                     {"decay": self.token_decay, "threshold": self.qk_threshold})
                          if self.causal else graph.ternary(f"{name}.{letter}", current, self.qk_threshold))
        attributes = {"causal": True} if self.causal else {"n_rule": "min", "rank_multi": self.rank_multi}
        attn = graph.node(name + ".attn", "attention.primal_scores", inputs if self.causal else inputs + [z],
                          {"heads": self.heads, "threshold": self.score_threshold, **attributes},
                          {"we": self.we, "wr": self.wr, "lambda": self.scale})
        graph.levels.update({node: (1, -1) for node in (*inputs, attn)})
        mixed = graph.node(name + ".mix", "attention.primal_mix", [attn], {"heads": self.heads},
                           {"concate_weight": self.mix.weight, "concate_bias": self.mix.bias})
        return graph.ternary(name + ".attn.tsn", mixed, self.out_threshold)
