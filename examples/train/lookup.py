# The duplicate look-up task: trains one model on generated tables and measures it on new ones.
import argparse
import math
import time

import torch
from torch.nn import functional

import datapoints

NUMERIC, CLASSES = 6, 4           # features: six numbers and a class
COLUMNS = [0] * NUMERIC + [CLASSES, 0]  # the target, a number, is the last column
TARGET = len(COLUMNS) - 1
ROWS = 24                         # originals; as many duplicates
GRID = 16                         # numbers are multiples of 1 / 16
NOISE_COLUMNS = (3, 4, 5)         # of the variant with random features
VARIANTS = ("plain", "random", "add_one", "both")


def table(generator, variant="plain", rows=ROWS):
    """(values, mask [2 rows, d], true target of the originals). Rows 0 .. rows - 1 show all, the others hide their
    target. The target has nothing to do with the features: it can only be looked up."""
    numbers = torch.randn(rows, NUMERIC, generator=generator)
    classes = torch.randint(CLASSES, (rows, 1), generator=generator).float()
    target = torch.randn(rows, 1, generator=generator)
    one = torch.cat([numbers, classes, target], 1)
    both = one.repeat(2, 1)
    if variant in ("random", "both"):
        both[:, list(NOISE_COLUMNS)] = 1 + torch.randn(2 * rows, len(NOISE_COLUMNS), generator=generator)
    numeric = [j for j, count in enumerate(COLUMNS) if count == 0]
    both[:, numeric] = torch.round(both[:, numeric] * GRID) / GRID
    truth = both[rows:, TARGET].clone()
    if variant in ("add_one", "both"):
        both[:rows, TARGET] += 1
    both[rows:, TARGET] = 0
    mask = torch.zeros_like(both)
    mask[rows:, TARGET] = 1
    return both, mask, truth


def measure(model, variant, tables=50, seed=1000, rows=ROWS):
    """On tables that were never seen. retrieval: share of the originals that give their duplicate more weight than any
    other row but their own, in the block and head where this holds most often (found on other tables)."""
    generator = torch.Generator().manual_seed(seed)
    errors, truths, hits, slopes, corrupted = [], [], [], [], []
    head = best_head(model, variant, seed + 1, rows)
    for _ in range(tables):
        values, mask, truth = table(generator, variant, rows)
        record = []
        output = model(values, mask, record)[rows:, -1]
        errors.append(output - truth)
        truths.append(torch.stack([output, truth]))
        hits.append(found(record, head, rows))
        moved = values.clone()
        moved[0, TARGET] += 1  # intervention: the duplicate of the first original
        slopes.append(model(moved, mask)[rows, -1] - output[0])
        corrupted.append(model(*with_others_permuted(values, mask, rows, generator))[rows, -1] - truth[0])
    error, pair = torch.cat(errors), torch.cat(truths, 1)
    return {"rmse": error.square().mean().sqrt().item(), "r": torch.corrcoef(pair)[0, 1].item(),
            "retrieval": torch.cat(hits).mean().item(), "slope": torch.stack(slopes).mean().item(),
            "slope_deviation": torch.stack(slopes).std().item(),
            "rmse_corrupted": torch.stack(corrupted).square().mean().sqrt().item()}


def with_others_permuted(values, mask, row, generator):
    """[the paper's algorithm 1] All columns of all rows but this one, each in an order of its own."""
    values, mask = values.clone(), mask.clone()
    others = torch.arange(len(values)) != row
    for column in range(values.shape[1]):
        order = torch.randperm(len(values) - 1, generator=generator)
        values[others, column] = values[others, column][order]
        mask[others, column] = mask[others, column][order]
    return values, mask


def found(record, head, rows):
    block, index = head
    weights = record[block][..., index, rows:, :]
    weights = weights.reshape(-1, rows, 2 * rows).mean(0)  # over the steps of a spiking model
    own, others = torch.arange(rows), weights.clone()
    others[own, own], others[own, rows + own] = -1.0, -1.0
    return (weights[own, own] > others.amax(-1)).float()


def best_head(model, variant, seed, rows):
    generator = torch.Generator().manual_seed(seed)
    shares = {}
    for _ in range(5):
        values, mask, _ = table(generator, variant, rows)
        record = []
        model(values, mask, record)
        for block in range(0, len(record), 2):
            for index in range(record[block].shape[-3]):
                shares.setdefault((block, index), []).append(found(record, (block, index), rows).mean().item())
    return max(shares, key=lambda head: sum(shares[head]))


def train(args):
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)
    if args.model == "dense":
        model = datapoints.Npt(COLUMNS, args.width, args.heads, args.depth, ln=args.ln, score_scale=args.score_scale)
    else:
        code, selection = args.model.split("-")
        model = datapoints.Npt(COLUMNS, args.width, args.heads, args.depth, steps=args.steps, code=code,
                               selection=selection)
    optimizer = torch.optim.AdamW(model.parameters(), args.rate, weight_decay=0.01)
    start, total = time.time(), 0.0
    for step in range(args.updates):
        warm = min(1, (step + 1) / (0.1 * args.updates))
        optimizer.param_groups[0]["lr"] = args.rate * warm * 0.5 * (1 + math.cos(math.pi * step / args.updates))
        loss = 0
        for _ in range(args.tables):
            values, mask, truth = table(generator, args.variant)
            loss = loss + functional.mse_loss(model(values, mask)[ROWS:, -1], truth) / args.tables
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
        if (step + 1) % args.show == 0:
            print(f"{step + 1:5d}  rmse {math.sqrt(total / args.show):.4f}  {time.time() - start:.0f} s", flush=True)
            total = 0.0
    return model.eval()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="dense", help="dense, or CODE-SELECTION: bipolar-top, binary-top, ...")
    parser.add_argument("--variant", choices=VARIANTS, default="plain")
    parser.add_argument("--ln", default="q_only")
    parser.add_argument("--score_scale", default="dim_kv")
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--updates", type=int, default=2000)
    parser.add_argument("--tables", type=int, default=4)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=200)
    parser.add_argument("--out")
    parser.add_argument("--load", help="a checkpoint: only measure it, with --steps if it is spiking")
    parser.add_argument("--rows", type=int, default=ROWS, help="originals in a table that is measured")
    parser.add_argument("--measured", type=int, default=50, help="tables")
    args = parser.parse_args()
    if args.load:
        checkpoint = torch.load(args.load)
        model = datapoints.Npt(**checkpoint["settings"])
        model.load_state_dict(checkpoint["state"])
        model.steps = model.steps and args.steps
        model.eval()
        kept = {"rows": args.rows, "measured": args.measured, "out": None}
        args = argparse.Namespace(**{**checkpoint["args"], **kept})
    else:
        model = train(args)
    with torch.no_grad():
        figures = measure(model, args.variant, args.measured, rows=args.rows)
        print(args.model, args.variant, "seed", args.seed, f"rows {args.rows}",
              " ".join(f"{name} {value:.4f}" for name, value in figures.items()))
    if args.out:
        torch.save({"state": model.state_dict(), "settings": model.settings, "args": vars(args)}, args.out)


if __name__ == "__main__":
    main()
