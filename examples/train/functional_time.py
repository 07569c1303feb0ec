# Functional time: Bochner, Mercer and phase-code attention against positions.
import argparse
import math
import time

import torch
from torch import nn
from torch.nn import functional

from neurons import lif

# Xu et al., Self-attention with functional time representation learning, NeurIPS 2019, and its code: one block, one
# head, read at the last event. A sample: types [S L], stamps [S L], time of the event to be told [S], to its type.
# Planted periods: the week has 8 cells, 4 quarters of a day on weekdays and 4 on the weekend. Each sequence draws a
# type for each cell, and where in the week it starts; an event has the type of its cell, with NOISE any type.
TYPES, LENGTH, NOISE, GAP = 8, 32, 0.1, 9.0  # GAP: mean time between events [hours]
DAY, WEEK = 24, 168
PERIODS = (5, 7, 9, 12, 15, 20, 24, 30, 40, 60, 90, 120, 168, 240, 400, 1000)  # every model of time starts here [hours]
NORM_EPS = 1e-8
BITS = 5        # of a phase index
MODELS = ("position", "bochner", "mercer", "spiking")


def sequences(count, generator):
    """types, stamps (whole hours from 0), target stamp, target type. Types count from 0."""
    gaps = torch.rand(count, LENGTH + 1, generator=generator).log().mul(-GAP).ceil().clamp(max=100)
    stamps = gaps.cumsum(1)
    stamps = stamps - stamps[:, :1]
    origin = torch.randint(WEEK, (count, 1), generator=generator)
    hour = (stamps + origin) % WEEK
    cell = (hour % DAY / (DAY / 4)).floor() + 4 * (hour >= 5 * DAY)
    names = torch.randint(TYPES, (count, 8), generator=generator)
    types = names.gather(1, cell.long())
    is_noise = torch.rand(types.shape, generator=generator) < NOISE
    types = torch.where(is_noise, torch.randint(TYPES, types.shape, generator=generator), types)
    return types[:, :-1], stamps[:, :-1], stamps[:, -1], types[:, -1]


class Position(nn.Module):
    """A learned vector for each place."""

    def __init__(self, width, length):
        super().__init__()
        self.weight = nn.Parameter(0.1 * torch.randn(length, width))

    def forward(self, span):
        return self.weight.expand(len(span), -1, -1)


class Bochner(nn.Module):
    """Non-parametric: beta . [sin(t 10^-p), cos(t 10^-r)]; phases in float64."""

    def __init__(self, width, periods):
        super().__init__()
        start = exponents(width // 2, periods)
        self.sin_exponent, self.cos_exponent = nn.Parameter(start.clone()), nn.Parameter(start.clone())
        self.beta = nn.Parameter(torch.ones(width))

    def forward(self, span):
        t = span.double().unsqueeze(-1)
        waves = [torch.sin(t * 10 ** -self.sin_exponent.double()), torch.cos(t * 10 ** -self.cos_exponent.double())]
        return (self.beta * torch.cat(waves, -1)).to(self.beta.dtype)


class Mercer(nn.Module):
    """Summed: a Fourier series for each base frequency; phases in float64."""

    def __init__(self, width, periods, degree=3):
        super().__init__()
        self.degree = degree
        self.exponent = nn.Parameter(exponents(width, periods))
        self.coefficient = nn.Parameter(torch.empty(width, 2 * degree))
        nn.init.xavier_uniform_(self.coefficient)
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, span):
        harmonics = torch.arange(1, self.degree + 1, dtype=torch.float64)
        phase = (span.double().unsqueeze(-1) * 10 ** -self.exponent.double()).unsqueeze(-1) * harmonics
        waves = torch.cat([torch.sin(phase), torch.cos(phase)], -1)
        return ((waves * self.coefficient.double()).sum(-1) + self.bias.double()).to(self.bias.dtype)


def exponents(count, periods):
    places = [periods[i * len(periods) // count] for i in range(count)]
    return torch.tensor([math.log10(period / (2 * math.pi)) for period in places])


class Dense(nn.Module):
    """x = [sqrt(d) Emb(type); Phi]; one block as in the authors' code, at the last event."""

    def __init__(self, encoding, width=16, types=TYPES, length=LENGTH, periods=PERIODS):
        super().__init__()
        self.embed = nn.Embedding(types, width)
        nn.init.normal_(self.embed.weight, 0, 1)  # sqrt(d) is in the table
        self.time = (Position(width, length) if encoding == "position"
                     else {"bochner": Bochner, "mercer": Mercer}[encoding](width, periods))
        both = 2 * width
        self.q, self.k, self.v, self.fc1 = (nn.Linear(both, both) for _ in range(4))
        self.fc2 = nn.Linear(both, width)
        self.ln0, self.ln1 = nn.LayerNorm(both, NORM_EPS), nn.LayerNorm(both, NORM_EPS)
        self.ln2 = nn.LayerNorm(width, NORM_EPS)
        self.head = nn.Linear(width, types)

    def forward(self, types, stamps, target, live=None):
        """live [S L]: 0 at padding, which no event sees."""
        x = torch.cat([self.embed(types), self.time(target.unsqueeze(1) - stamps).to(self.q.weight.dtype)], -1)
        last = self.ln0(x[:, -1:])
        score = self.q(last) @ self.k(x).transpose(1, 2) / math.sqrt(x.shape[-1])
        if live is not None:
            score = score.masked_fill(live.unsqueeze(1) == 0, -torch.inf)
        a = torch.softmax(score, -1) @ self.v(x) + last
        y = self.fc2(functional.relu(self.fc1(self.ln1(a))))
        return self.head(self.ln2(y)).squeeze(1)


class Spiking(nn.Module):
    """x = Emb(type) + sum_k T_k[phase index]; spikes of it are compared and summed, without softmax, in one step."""

    def __init__(self, width=64, types=TYPES, periods=PERIODS):
        super().__init__()
        self.register_buffer("omega", torch.tensor([2 * math.pi / period for period in periods]))
        self.embed = nn.Embedding(types, width)
        self.table = nn.Linear(len(periods) << BITS, width)
        nn.init.normal_(self.table.weight, 0, 2 / math.sqrt(len(periods)))
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))
        for layer in (self.q, self.k, self.v):
            nn.init.normal_(layer.weight, 0, 3 / math.sqrt(width))  # some fire from the start
        self.head = nn.Linear(width, types)

    def phases(self, span):
        """The neuron that each frequency fires: [S L frequencies], in frequencies 2^BITS places."""
        turn = 2 ** 40
        increment = torch.round(self.omega.double() * turn / (2 * math.pi)).long()
        index = (span.long().unsqueeze(-1) * increment) % turn >> (40 - BITS)
        return index + (torch.arange(len(self.omega)) << BITS)

    def forward(self, types, stamps, target, live=None):
        rows = self.phases(target.unsqueeze(1) - stamps)
        x = functional.embedding_bag(rows.flatten(0, 1), self.table.weight.T, mode="sum").view(*types.shape, -1)
        x = self.embed(types) + x + self.table.bias
        z = fire(x) if live is None else fire(x) * live.unsqueeze(-1)
        q, k, v = fire(self.q(z[:, -1:])), fire(self.k(z)), fire(self.v(z))
        y = (q @ k.transpose(1, 2)) @ v * 0.125
        return self.head(y).squeeze(1)


def fire(x):
    return lif(x.unsqueeze(0))[0]


def make(name):
    return Spiking() if name == "spiking" else Dense(name)


def accuracy(model, samples):
    with torch.no_grad():
        types, stamps, target, wanted = samples
        return (model(types, stamps, target).argmax(1) == wanted).float().mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", choices=MODELS, default="mercer")
    parser.add_argument("--updates", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)
    model, start, total = make(args.model), time.time(), 0.0
    optimizer = torch.optim.Adam(model.parameters(), args.rate)
    for step in range(args.updates):
        optimizer.param_groups[0]["lr"] = args.rate * 0.5 * (1 + math.cos(math.pi * step / args.updates))
        types, stamps, target, wanted = sequences(args.batch, generator)
        loss = functional.cross_entropy(model(types, stamps, target), wanted)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
        if (step + 1) % 250 == 0:
            print(f"{step + 1:5d}  loss {total / 250:.3f}  {time.time() - start:.0f} s", flush=True)
            total = 0.0
    test = sequences(2000, torch.Generator().manual_seed(10 ** 6))
    print(args.model, "seed", args.seed, f"accuracy {accuracy(model, test):.4f} of {len(test[0])} new sequences")
    if args.out:
        torch.save({"state": model.state_dict(), "args": vars(args)}, args.out)


if __name__ == "__main__":
    main()
