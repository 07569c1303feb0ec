# Breast cancer by attention between datapoints, against an MLP on the same split.
import argparse
import time

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional

import datapoints
import masking

COLUMNS = [0] * 30 + [2]
TARGET = 30
FEATURES = range(30)
SPLIT_SEED = 0  # stratified: 398 rows to train, 171 to test
HELD_OUT = 98   # of the 398, to choose settings


def data(hold_out=False):
    """(table [569 31] with raw features and the class, rows to train, rows to judge)."""
    bunch = load_breast_cancer()
    table = np.concatenate([bunch.data, bunch.target[:, None]], 1).astype(np.float32)
    train, test = train_test_split(np.arange(len(table)), test_size=0.3, stratify=bunch.target,
                                   random_state=SPLIT_SEED)
    if hold_out:
        train, held = train_test_split(train, test_size=HELD_OUT, stratify=bunch.target[train],
                                       random_state=SPLIT_SEED)
        table, test = table[np.concatenate([train, held])], np.arange(len(train), len(train) + len(held))
        train = np.arange(len(train))
    return torch.from_numpy(table), torch.from_numpy(train), torch.from_numpy(test)


def statistics(table, train):
    """Mean and deviation of the features among the training rows; the class stays."""
    mean, deviation = table[train].mean(0), table[train].std(0, unbiased=False)
    mean[TARGET], deviation[TARGET] = 0.0, 1.0
    return mean, deviation


def hidden(table, test):
    mask = torch.zeros_like(table)
    mask[test, TARGET] = 1
    return mask


def train_npt(values, train, test, args):
    generator = torch.Generator().manual_seed(args.seed)
    model = datapoints.Npt(COLUMNS, args.width, args.heads, args.depth, ln=args.ln, dropout=0.1)
    with torch.no_grad():
        model.embed.weight.mul_(0.5)
    if args.optimizer == "lamb":
        optimizer = masking.Lamb(model.parameters(), args.rate)
    else:
        optimizer = torch.optim.AdamW(model.parameters(), args.rate, weight_decay=0.05)
    known = 1 - hidden(values, test)
    probabilities = [args.p_feature] * 30 + [args.p_target]
    start = time.time()
    for step in range(args.updates):
        optimizer.param_groups[0]["lr"] = args.rate * masking.flat_then_cosine(step, args.updates)
        shown, mask, goal = masking.masked(values, known, COLUMNS, probabilities, generator)
        outputs = model(shown, mask)
        share = masking.feature_share(step, args.updates)
        target_loss = masking.loss(outputs, values, goal, COLUMNS, (TARGET,))
        feature_loss = masking.loss(outputs, values, goal, COLUMNS, FEATURES)
        optimizer.zero_grad()
        ((1 - share) * target_loss + share * feature_loss).backward()
        for parameter in model.parameters():
            parameter.grad.clamp_(-1, 1)
        optimizer.step()
        if (step + 1) % args.show == 0:
            accuracy, loss = judge(model.eval(), values, test)
            model.train()
            print(f"{step + 1:5d}  target loss {target_loss.item():.4f}  features {feature_loss.item():.4f}  "
                  f"judged {accuracy:.2f} % {loss:.4f}  {time.time() - start:.0f} s", flush=True)
    return model.eval()


@torch.no_grad()
def judge(model, values, test):
    logits = model(values, hidden(values, test))[test, -2:]
    return score(logits, values[test, TARGET].long())


def score(logits, labels):
    accuracy = (logits.argmax(1) == labels).float().mean().item() * 100
    return accuracy, functional.cross_entropy(logits, labels).item()


@torch.no_grad()
def corrupted(model, values, test, seed=0):
    """[the paper's algorithm 1] For each row of test all columns of the other rows are permuted, each by itself:
    what is left is the row and the columns' distributions."""
    generator = torch.Generator().manual_seed(seed)
    mask = hidden(values, test)
    logits = []
    for row in test.tolist():
        others = torch.arange(len(values)) != row
        changed, changed_mask = values.clone(), mask.clone()
        for column in range(values.shape[1]):
            order = torch.randperm(len(values) - 1, generator=generator)
            changed[others, column] = values[others, column][order]
            changed_mask[others, column] = mask[others, column][order]
        logits.append(model(changed, changed_mask)[row, -2:])
    return score(torch.stack(logits), values[test, TARGET].long())


def train_mlp(values, train, test, seed, updates=1000, width=64):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(30, width), nn.GELU(), nn.Dropout(0.1), nn.Linear(width, width), nn.GELU(),
                          nn.Dropout(0.1), nn.Linear(width, 2))
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.05)
    for step in range(updates):
        optimizer.param_groups[0]["lr"] = 1e-3 * masking.flat_then_cosine(step, updates)
        loss = functional.cross_entropy(model(values[train, :30]), values[train, TARGET].long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return score(model.eval()(values[test, :30]), values[test, TARGET].long())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=int, default=4)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--ln", default="q_only")
    parser.add_argument("--optimizer", default="lamb", choices=("lamb", "adamw"))
    parser.add_argument("--rate", type=float, default=1e-2)
    parser.add_argument("--updates", type=int, default=1000)
    parser.add_argument("--p_feature", type=float, default=0.15)
    parser.add_argument("--p_target", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=200)
    parser.add_argument("--hold_out", action="store_true")
    parser.add_argument("--mlp_only", action="store_true")
    parser.add_argument("--out")
    args = parser.parse_args()
    table, train, test = data(args.hold_out)
    mean, deviation = statistics(table, train)
    values = (table - mean) / deviation
    mlp = train_mlp(values, train, test, args.seed)
    print(f"MLP seed {args.seed}: {mlp[0]:.2f} % loss {mlp[1]:.4f}")
    if args.mlp_only:
        return
    torch.manual_seed(args.seed)
    model = train_npt(values, train, test, args)
    print(f"NPT seed {args.seed}: %.2f %% loss %.4f" % judge(model, values, test))
    print(f"NPT seed {args.seed}, other rows corrupted: %.2f %% loss %.4f" % corrupted(model, values, test))
    if args.out:
        model.embed.mean.copy_(mean)
        model.embed.deviation.copy_(deviation)
        torch.save({"state": model.state_dict(), "settings": model.settings, "args": vars(args)}, args.out)


if __name__ == "__main__":
    main()
