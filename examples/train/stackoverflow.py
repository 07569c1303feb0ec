# Next badge on StackOverflow: positions against functions of time.
import argparse
import math
import random
import time

import torch
from torch.nn import functional

import functional_time

# Files of the authors' repository (Self-attention-with-Functional-Time-Representation-Learning): one user a line, event
# types 1 to 22, and Unix seconds. Our own split: a fifth of the users is the test, drawn with SPLIT_SEED. Every event
# but the first of a user is a sample: those before it, LENGTH at most, and its own time, tell its type.
TYPES, WIDTH, LENGTH, SPLIT_SEED = 22, 32, 50, 0  # the paper: d = k = 32, 100 events
PERIODS = [2 * math.pi * 10 ** (8 * i / (WIDTH - 1)) for i in range(WIDTH)]  # 10^linspace(0, 8, k), as the code has it


def read(events, times):
    """(types, stamps) of each user whose two lines fit."""
    users = []
    with open(events) as first, open(times) as second:
        for types, stamps in zip(first, second):
            types, stamps = [int(word) - 1 for word in types.split()], [float(word) for word in stamps.split()]
            if len(types) != len(stamps) or len(types) < 2:
                raise ValueError(f"user {len(users)}: {len(types)} events and {len(stamps)} time stamps")
            users.append((types, stamps))
    random.Random(SPLIT_SEED).shuffle(users)
    fifth = len(users) // 5
    return users[fifth:], users[:fifth]


def batch(users, places):
    """Left-padded samples: types, stamps, target, live, wanted. places: (user, index of the event to be told)."""
    types = torch.zeros(len(places), LENGTH, dtype=torch.long)
    stamps, live = torch.zeros(len(places), LENGTH, dtype=torch.float64), torch.zeros(len(places), LENGTH)
    target, wanted = torch.zeros(len(places), dtype=torch.float64), torch.zeros(len(places), dtype=torch.long)
    for i, (user, event) in enumerate(places):
        first = max(0, event - LENGTH)
        count = event - first
        types[i, -count:] = torch.tensor(users[user][0][first:event])
        stamps[i, -count:] = torch.tensor(users[user][1][first:event], dtype=torch.float64)
        live[i, -count:] = 1
        target[i], wanted[i] = users[user][1][event], users[user][0][event]
    stamps = torch.where(live > 0, stamps, target.unsqueeze(1))
    return types, stamps, target, live, wanted


def places_of(users):
    return [(user, event) for user in range(len(users)) for event in range(1, len(users[user][0]))]


def make(name):
    if name == "spiking":
        return functional_time.Spiking(2 * WIDTH, TYPES, PERIODS)
    return functional_time.Dense(name, WIDTH, TYPES, LENGTH, PERIODS)


def accuracy(model, users):
    places, right = places_of(users), 0
    with torch.no_grad():
        for i in range(0, len(places), 256):
            *inputs, wanted = batch(users, places[i:i + 256])
            right += (model(*inputs).argmax(1) == wanted).sum().item()
    return right / len(places), len(places)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("events", help="event types, one user a line")
    parser.add_argument("times", help="time stamps of the same users")
    parser.add_argument("--model", choices=functional_time.MODELS, default="mercer")
    parser.add_argument("--updates", type=int, default=1500)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    train, test = read(args.events, args.times)
    places, draw = places_of(train), random.Random(args.seed)
    torch.manual_seed(args.seed)
    model, start, total = make(args.model), time.time(), 0.0
    optimizer = torch.optim.Adam(model.parameters(), args.rate, (0.9, 0.98))
    for step in range(args.updates):
        optimizer.param_groups[0]["lr"] = args.rate * 0.5 * (1 + math.cos(math.pi * step / args.updates))
        *inputs, wanted = batch(train, draw.sample(places, 128))
        loss = functional.cross_entropy(model(*inputs), wanted)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
        if (step + 1) % 250 == 0:
            print(f"{step + 1:5d}  loss {total / 250:.3f}  {time.time() - start:.0f} s", flush=True)
            total = 0.0
    share, count = accuracy(model, test)
    print(args.model, "seed", args.seed, f"{args.updates} updates: accuracy {share:.4f} of {count} test events")


if __name__ == "__main__":
    main()
