# Which image tokens are hidden together: a seed and what it attends to most.
import torch


def group_mask(attention, seeds, k):
    """[N] booleans: each seed with the k - 1 others that its row of attention [N N] weighs most; ties go to the lower
    index; groups are united."""
    hidden = torch.zeros(len(attention), dtype=torch.bool)
    for seed in seeds:
        row = attention[seed].clone()
        row[seed] = torch.inf  # first, whatever it gives itself
        hidden[torch.sort(row, descending=True, stable=True).indices[:k]] = True
    return hidden


def draw(attention, seeds, k, generator):
    """[S N]: for each sample its own random seeds."""
    count = attention.shape[-1]
    return torch.stack([group_mask(one, torch.randperm(count, generator=generator)[:seeds].tolist(), k)
                        for one in attention])


def random_like(hidden, generator):
    """As many places of each row, at random."""
    rank = torch.rand(hidden.shape, generator=generator).argsort(1).argsort(1)
    return rank < hidden.sum(1, keepdim=True)
