# Stochastic masking of a table, and the losses of an NPT.
import math

import torch
from torch.nn import functional

HIDDEN_SHARE = 0.9  # of the chosen entries; the others get a random value


def chosen(candidates, probability, generator):
    """How many entries: int(p N + Normal(0, sqrt(N p (1 - p)))), within 0 and N; then so many without replacement.
    candidates [k 2]: places that may be chosen. [the released code, mask.py]"""
    total = len(candidates)
    if probability >= 1:
        count = total
    else:
        spread = math.sqrt(total * probability * (1 - probability))
        count = int(probability * total + spread * torch.randn((), generator=generator).item())
    count = min(max(count, 0), total)
    return candidates[torch.randperm(total, generator=generator)[:count]]


def split(places):
    """(hidden, randomised): the released code takes places[:1 - int(0.9 m)] for the latter."""
    last = 1 - int(HIDDEN_SHARE * len(places))
    randomised = places[:last]
    return places[len(randomised):], randomised


def masked(values, known, classes, probabilities, generator):
    """A training view of a table. known [n d]: 1 where a number may be used and be a goal. probabilities [d]: of each
    column's entries. Returns values, mask, and where the loss is taken. Numeric columns are standardised."""
    values, mask, goal = values.clone(), 1 - known.clone(), torch.zeros_like(known)
    for probability in sorted({p for p in probabilities if p > 0}):
        columns = torch.tensor([p == probability for p in probabilities])
        places = chosen((known * columns).nonzero(), probability, generator)
        hidden, randomised = split(places) if probability < 1 else (places, places[:0])
        goal[places[:, 0], places[:, 1]] = 1
        mask[hidden[:, 0], hidden[:, 1]] = 1
        for row, column in randomised.tolist():
            count = classes[column]
            values[row, column] = (torch.randint(count, (), generator=generator) if count
                                   else torch.randn((), generator=generator))
    return values, mask, goal


def loss(outputs, values, goal, classes, columns):
    """The mean over the goals in these columns: cross entropy of classes, squared error of standardised numbers."""
    total, count, first = outputs.new_zeros(()), 0, 0
    for j, size in enumerate(classes):
        width = max(size, 1)
        if j in columns:
            rows = goal[:, j].nonzero()[:, 0]
            part = outputs[rows, first:first + width]
            if size:
                total = total + functional.cross_entropy(part, values[rows, j].long(), reduction="sum")
            else:
                total = total + (part[:, 0] - values[rows, j]).square().sum()
            count += len(rows)
        first += width
    return total / max(count, 1)


def feature_share(step, steps):
    """lambda: 1 at the start, by a cosine to 0."""
    return 0.5 * (1 + math.cos(math.pi * step / steps))


class Lamb(torch.optim.Optimizer):
    """As the released NPT code uses it: no bias correction, weight norm clamped to 10. Lookahead around it: every k-th
    step the slow weights move by alpha towards the fast ones, and these go back to them."""

    def __init__(self, parameters, lr, betas=(0.9, 0.999), eps=1e-6, alpha=0.5, every=6):
        super().__init__(parameters, dict(lr=lr, betas=betas, eps=eps))
        self.alpha, self.every, self.count = alpha, every, 0

    @torch.no_grad()
    def step(self):
        self.count += 1
        for group in self.param_groups:
            (first, second), eps = group["betas"], group["eps"]
            for w in (w for w in group["params"] if w.grad is not None):
                state = self.state[w]
                if not state:
                    state["m"], state["v"] = torch.zeros_like(w), torch.zeros_like(w)
                state["m"].mul_(first).add_(w.grad, alpha=1 - first)
                state["v"].mul_(second).addcmul_(w.grad, w.grad, value=1 - second)
                update = state["m"] / (state["v"].sqrt() + eps)
                norm, size = w.norm().clamp(max=10), update.norm()
                ratio = 1.0 if norm == 0 or size == 0 else (norm / size).item()
                w.add_(update, alpha=-group["lr"] * ratio)
                if self.count % self.every == 0:
                    slow = state.setdefault("slow", w.clone())  # made at the first turn, which so changes nothing
                    slow.add_(w - slow, alpha=self.alpha)
                    w.copy_(slow)
        return None


def flat_then_cosine(step, steps, flat=0.5):
    return 1.0 if step < flat * steps else 0.5 * (1 + math.cos(math.pi * (step / steps - flat) / (1 - flat)))
