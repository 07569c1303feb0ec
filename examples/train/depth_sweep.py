# Equal parameters, more depth: does it still help? Dense softmax and SSA on chains of pointers.
"""python3 depth_sweep.py run --results ../depth/results.csv      trains what the file lacks (resumes)
python3 depth_sweep.py table --results ../depth/results.csv    prints the tables
python3 depth_sweep.py picture --results ../depth/results.csv --out ../depth/depth.png    draws them

The task: TOKENS tokens, token i shows i and f(i) of a random permutation f; every token says f(i), f(f(i)), ... up to
HOPS. Attention fetches what stands at one pointer, and later layers build on what earlier ones fetched. Tables are
drawn afresh in every step; the judge's have seeds of their own.
"""
import argparse
import csv
import dataclasses
import itertools
import math
import os
import statistics
import subprocess
import time

import torch
from torch import nn
from torch.nn import functional

import ablation
import mechanisms
import train
import twins
from layers import LinearNorm, linear

TOKENS, HOPS = 8, 4
HEADS = 2
SIZES = (2048, 8192, 32768)  # parameters of the blocks: 8 L D^2 (MLP twice as wide)
DEPTHS = (1, 2, 4, 8)
SEEDS = (0, 1, 2)
KINDS = {"dense": "softmax", "spiking": "ssa", "spiking 3x": "ssa"}  # 3x: three times the updates
STEPS = 2                     # T of the spiking models
JUDGE = {"hold_out": (1000000, 1024), "test": (2000000, 2048)}  # seed, tables


@dataclasses.dataclass(frozen=True)
class Recipe:
    updates: int
    rate: float  # peak learning rate of AdamW
    batch: int = 64
    decay: float = 0.02


RECIPES = {"dense": Recipe(1000, 1.2e-2), "spiking": Recipe(1000, 3e-2), "spiking 3x": Recipe(3000, 3e-2)}


@dataclasses.dataclass(frozen=True)
class Shape:
    width: int
    heads: int
    tokens: int


def width_of(size, depth):
    """The multiple of the heads nearest to sqrt(size / 8 L)."""
    return HEADS * round(math.sqrt(size / (8 * depth)) / HEADS)


class Chain(nn.Module):
    """Blocks of the twins; [S N 2 N] -> logits [S N HOPS N]."""

    def __init__(self, kind, width, depth):
        super().__init__()
        mechanism = mechanisms.find(KINDS[kind])
        self.spiking = mechanism.spiking
        block = twins.SpikingBlock if self.spiking else twins.DenseBlock
        self.embed = (LinearNorm(2 * TOKENS, width, twins.FIRST_GAIN) if self.spiking
                      else linear(2 * TOKENS, width, bias=True))
        self.blocks = nn.ModuleList(block(Shape(width, HEADS, TOKENS), mechanism, {}) for _ in range(depth))
        self.norm = nn.Identity() if self.spiking else nn.LayerNorm(width)
        self.head = linear(width, HOPS * TOKENS, bias=True)

    def forward(self, table):
        x = self.embed(table)
        if self.spiking:
            x = x.expand(STEPS, *x.shape)
        for block in self.blocks:
            x = block(x, twins.keep, "")
        x = self.norm(x)
        return self.head(x.mean(0) if self.spiking else x).unflatten(-1, (HOPS, TOKENS))


def tables(count, generator):
    """(what tokens show [S N 2 N], answers [S N HOPS])."""
    f = torch.rand(count, TOKENS, generator=generator).argsort(1)
    own = torch.eye(TOKENS).expand(count, TOKENS, TOKENS)
    shown = torch.cat([own, functional.one_hot(f, TOKENS).float()], -1)
    answers = [f]
    for _ in range(HOPS - 1):
        answers.append(f.gather(1, answers[-1]))
    return shown, torch.stack(answers, -1)


def judge(model, part):
    """Accuracy [%] for each number of hops."""
    seed, count = JUDGE[part]
    shown, answers = tables(count, torch.Generator().manual_seed(seed))
    model.eval()
    with torch.no_grad():
        hits = model(shown).argmax(-1) == answers
    return (100 * hits.float().mean((0, 1))).tolist()


def fit(kind, size, depth, seed, recipe):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = Chain(kind, width_of(size, depth), depth)
    adam = train.optimiser(model, recipe)
    schedule = torch.optim.lr_scheduler.LambdaLR(adam, lambda step: train.rate_at(step, recipe.updates))
    for _ in range(recipe.updates):
        shown, answers = tables(recipe.batch, generator)
        loss = functional.cross_entropy(model(shown).flatten(0, 2), answers.flatten())
        adam.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), train.GRADIENT_NORM)
        adam.step()
        schedule.step()
    return model




def columns():
    return ["kind", "size", "depth", "width", "block_parameters", "seed", "accuracy",
            *(f"hop{h + 1}" for h in range(HOPS)), "seconds"]


def read(path):
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return list(csv.DictReader(file))


def run(args):
    done = {(r["kind"], int(r["size"]), int(r["depth"]), int(r["seed"])) for r in read(args.results)}
    # Seed by seed, so that an early stop leaves whole sweeps.
    for seed, kind, size, depth in itertools.product(args.seeds, args.kinds, args.sizes, args.depths):
        if (kind, size, depth, seed) in done:
            continue
        recipe = dataclasses.replace(RECIPES[kind], **dict(args.set))
        start = time.time()
        model = fit(kind, size, depth, seed, recipe)
        hops = judge(model, "hold_out" if args.hold_out else "test")
        blocks = sum(p.numel() for b in model.blocks for p in b.parameters())
        row = [kind, size, depth, width_of(size, depth), blocks, seed, f"{statistics.mean(hops):.3f}",
               *(f"{h:.3f}" for h in hops), f"{time.time() - start:.1f}"]
        print(*row, flush=True)
        if args.results:
            fresh = not os.path.exists(args.results)
            with open(args.results, "a", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                if fresh:
                    writer.writerow(columns())
                writer.writerow(row)


def cells(rows):
    """{(kind, size, depth): [row of each seed]}."""
    found = {}
    for row in rows:
        found.setdefault((row["kind"], int(row["size"]), int(row["depth"])), []).append(row)
    return found


def numbers(rows, column="accuracy"):
    return [float(row[column]) for row in rows]


def verdict(shallow, deep):
    """Twice the depth less the depth, and what Welch's interval says of it."""
    if min(len(shallow), len(deep)) < 2:
        return "-"
    mean, width = ablation.difference(deep, shallow)
    said = "undecided" if abs(mean) <= width else "helps" if mean > 0 else "harms"
    return f"{mean:+.1f} +- {width:.1f}, {said}"


def table(args):
    found = cells(read(args.results))
    for kind in KINDS:
        print(f"\n{kind}: accuracy [%] over {HOPS} numbers of hops, mean and standard deviation over seeds\n")
        print("| parameters | depth | width | seeds | accuracy | " + " | ".join(f"{h + 1} hops" for h in range(HOPS))
              + " | this depth less half of it |\n" + "|---" * (6 + HOPS) + "|")
        for (which, size, depth), rows in sorted(found.items()):
            if which != kind:
                continue
            values = numbers(rows)
            spread = f" +- {statistics.stdev(values):.1f}" if len(values) > 1 else ""
            hops = " | ".join(f"{statistics.mean(numbers(rows, f'hop{h + 1}')):.1f}" for h in range(HOPS))
            half = found.get((kind, size, depth // 2), [])
            print(f"| {rows[0]['block_parameters']} | {depth} | {rows[0]['width']} | {len(values)} "
                  f"| {statistics.mean(values):.1f}{spread} | {hops} | {verdict(numbers(half), values)} |")


def picture(args):
    """One panel for each kind, a curve for each size; bars: standard deviation over seeds. Drawn by gnuplot."""
    found = cells(read(args.results))
    kinds = [kind for kind in KINDS if len({cell[2] for cell in found if cell[0] == kind}) > 2]  # else no curve
    script = [f"set terminal pngcairo size {420 * len(kinds)},420 font 'DejaVu Sans,11'\nset output '{args.out}'",
              f"set multiplot layout 1,{len(kinds)}\nset logscale x 2\nset xrange [0.85:9.4]\nset yrange [0:104]",
              "set xlabel 'depth [layers], equal parameters'\nset ylabel 'accuracy [%]'\nset key bottom left",
              "set xtics (1,2,4,8)\nset grid y"]
    for kind in kinds:
        plots = []
        for colour, size in zip(("#0072b2", "#d55e00", "#009e73"), sorted({cell[1] for cell in found})):
            if not any(cell[:2] == (kind, size) for cell in found):
                continue
            block = f"${kind.replace(' ', '_')}_{size}"
            script.append(f"{block} << EOD")
            for (which, one, depth), rows in sorted(found.items()):
                if (which, one) == (kind, size):
                    values = numbers(rows)
                    spread = statistics.stdev(values) if len(values) > 1 else 0
                    script.append(f"{depth} {statistics.mean(values)} {spread}")
            script.append("EOD")
            plots.append(f"{block} with yerrorlines lw 2 pt 7 lc rgb '{colour}' title '{size} parameters'")
        script.append(f"set title '{kind}'\nplot " + ", ".join(plots))
    subprocess.run(["gnuplot"], input="\n".join(script), text=True, check=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["run", "table", "picture"])
    parser.add_argument("--results", default="")
    parser.add_argument("--out")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--depths", type=int, nargs="+", default=DEPTHS)
    parser.add_argument("--hold_out", action="store_true", help="judge by other tables than the test's")
    parser.add_argument("--set", type=train.setting, action="append", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    {"run": run, "table": table, "picture": picture}[args.what](args)


if __name__ == "__main__":
    main()
