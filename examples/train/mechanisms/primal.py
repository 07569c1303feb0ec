# Primal-Attention: projections of two normalised feature maps, no score between tokens.
import torch
from torch import nn
from torch.nn import functional

import primal_parts
from layers import linear

EPS = 1e-12


class Primal(nn.Module):
    """rank: scores s of each head; rows of f(X): min(N, s rank_multi). eta: weight of J^2 of this layer in the
    loss. causal: means over the tokens so far and weights that do not depend on x."""
    spiking = False
    about = "primal attention"

    def __init__(self, width, heads, tokens, rank=8, rank_multi=10, eta=0.1, causal=False):
        super().__init__()
        self.heads, self.rank_multi, self.eta, self.causal = heads, rank_multi, eta, causal
        d = width // heads
        rows = d if causal else min(tokens, rank * rank_multi)
        self.indices = primal_parts.sampled_tokens(tokens, rows)
        self.q, self.k = (linear(width, width, bias=True) for _ in range(2))
        self.we, self.wr = (nn.Parameter(nn.init.orthogonal_(torch.empty(heads, rows, rank))) for _ in range(2))
        self.scale = nn.Parameter(torch.rand(heads, rank))  # Lambda of the authors' code
        self.mix = linear(2 * rank, d, bias=True)  # W_c, the same in all heads
        self.last = None

    def features(self, x):
        if self.causal:
            count = torch.arange(1, x.shape[-2] + 1, dtype=x.dtype)
            x = x.cumsum(-2) / count[:, None]
        return functional.normalize(primal_parts.by_heads(x, self.heads), dim=-1, eps=EPS)

    def scores(self, z):
        """e, r [S N H s]."""
        we, wr = self.we, self.wr
        if not self.causal:
            sampled = primal_parts.by_heads(z[:, self.indices], self.heads)
            we, wr = primal_parts.project(sampled, we), primal_parts.project(sampled, wr)
        return (primal_parts.scores(self.features(self.q(z)), we),
                primal_parts.scores(self.features(self.k(z)), wr))

    def forward(self, z, record, name):
        e, r = self.scores(z)
        self.last = (e, r) if self.training else None
        return self.mix(torch.cat((e, r), -1)).flatten(-2)

    def penalty(self):
        e, r = self.last
        return self.eta * primal_parts.objective(e, r, self.we, self.wr, self.scale) ** 2

    def write(self, graph, z, name):
        q, k = (graph.linear(f"{name}.{letter}", z, getattr(self, letter)) for letter in "qk")
        attributes = {"heads": self.heads, "causal": True} if self.causal else {
            "heads": self.heads, "n_rule": "min", "rank_multi": self.rank_multi}
        weights = {"we": self.we, "wr": self.wr, "lambda": self.scale, "concate_weight": self.mix.weight,
                   "concate_bias": self.mix.bias}
        return graph.node(name + ".attn", "attention.primal", [q, k] if self.causal else [q, k, z], attributes,
                          weights)
