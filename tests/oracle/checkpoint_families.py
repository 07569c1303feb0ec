#!/usr/bin/env python3
"""Every neuron of volley against PyTorch, on checkpoints with the keys of each published family.

    checkpoint_families.py [VOLLEY [CASE ...]] [-v | --table]     default: build/volley, all cases
    -v: the rate of each neuron; --table: one line a model in Markdown, as in docs/importing.md

Models of reduced size, defined here in plain PyTorch with the module names of the authors' code. Weights of a dyadic
grid: all sums are exact, so no spike may differ and logits are equal. Random weights: where float32 sums of another
order cross the threshold a spike differs; the first that do so must be within 1e-5 of it, and samples without one have
the same logits to 1e-4. Both with batch norm folded and not. Columns: spikes that were compared, rates of the neurons
that fire least and most, spikes that differ, distance of the first of them from the threshold, samples without one and
the error of their logits, time of `volley import`, size of the checkpoint. Needs torch and numpy; prints "skipped" and
exits 77 where they are absent. Exits 1 where something differs. Models named over-batch follow QKFormer's code where
it runs a neuron over the batch (`--compat proj-lif-over-batch`); without the switch their spikes must differ.
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import Callable

try:
    import numpy as np
    import torch
    from torch import nn
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)  # CTest counts it as skipped

from checkpoint_integer_residuals import Qkformer, Spikformer, TokenNorm
from checkpoint_parts import Graded, Lif, LifOverBatch, Neuron, Plif
from checkpoint_shortcuts import SpikeDriven, Spikingformer
from checkpoint_stages import DualSpikeAttention, MetaSpikeFormer, SpikingResformer

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES, STEPS = 3, 4
SILENT = 0.01  # a layer that fires less shows nothing
NEAR, LOGITS = 1e-5, 1e-4  # of the threshold, of logits; both in float32 sums of at most some 1000 numbers


@dataclass
class Case:
    name: str
    build: Callable
    side: int  # of the image [pixels]
    config: str
    family: str = "auto"
    events: bool = False
    steps: int = STEPS
    compat: str = ""  # quirk of the authors' code that is followed
    # Pattern of batch norms -> mean and deviation of what they put out, so that each layer fires.
    currents: dict = field(default_factory=dict)


# Attention adds up coincidences: few tokens want many spikes of q, k, v, a mask few. So does a pool of currents.
MANY = {r"attn\.([qkv]_bn|[qkv]_conv\.1$)": (0.8, 1.6)}
FEW = {r"attn\.[kv]_bn": (-0.3, 1.3), r"patch_embed\.proj_bn2": (0.7, 1.6)}
POOLED = {"cifar": "proj4_bn", "imagenet": r"embed1\.proj1?_bn|proj3_bn", "dvs": r"embed1\.proj[123]_bn|proj4_bn"}


def masks(variant):
    return {POOLED[variant]: (-0.9, 1.2), r"tssa\.q_bn": (-0.2, 1.3), r"tssa\.k_bn": (0.3, 1.6),
            r"(ssa|stage3\.\d\.attn)\.[qkv]_bn": (0.9, 1.6)}


BRANCH = {r"attn\.proj_bn|(mlp2|fc2|rpe)_bn|bn2|norm_proj|proj_conv\.1|down\.2": (0.1, 0.8)}
MASKED = {r"patch_embed\.proj_bn3": (-0.6, 0.9)} | BRANCH  # currents that a pool reads start the shortcut
OVER_BATCH = "proj-lif-over-batch"
CASES = [
    Case("spikformer-cifar", lambda: Spikformer("cifar"), 16, "heads=4 image=16", currents=MANY),
    Case("spikformer-imagenet", lambda: Spikformer("imagenet"), 64, "heads=4 image=64", currents=MANY),
    Case("spikformer-dvs", lambda: Spikformer("dvs", channels=2), 64, "heads=4 image=64", events=True),
    Case("spikingformer-cifar", lambda: Spikingformer("cifar"), 16, "heads=4 image=16", currents=BRANCH | MANY),
    Case("spikingformer-imagenet", lambda: Spikingformer("imagenet"), 64, "heads=4 image=64",
         currents=BRANCH | MANY),
    Case("spikingformer-dvs", lambda: Spikingformer("dvs", channels=2), 64, "heads=4 image=64", events=True,
         currents=BRANCH),
    Case("qkformer-cifar", lambda: Qkformer("cifar"), 16, "heads=4 image=16", currents=masks("cifar")),
    Case("qkformer-imagenet", lambda: Qkformer("imagenet"), 64, "heads=4 image=64",
         currents=masks("imagenet")),
    Case("qkformer-dvs", lambda: Qkformer("dvs", channels=2, depth=2, ratio=1), 64, "heads=4 image=64 mlp_ratio=1",
         events=True, currents=masks("dvs")),
    Case("qkformer-cifar-over-batch", lambda: Qkformer("cifar", proj_lif=LifOverBatch), 16, "heads=4 image=16",
         compat=OVER_BATCH, currents=masks("cifar")),
    Case("qkformer-imagenet-over-batch", lambda: Qkformer("imagenet", proj_lif=LifOverBatch), 64, "heads=4 image=64",
         compat=OVER_BATCH, currents=masks("imagenet")),
    Case("qkformer-dvs-over-batch", lambda: Qkformer("dvs", channels=2, depth=2, ratio=1, proj_lif=LifOverBatch), 64,
         "heads=4 image=64 mlp_ratio=1", events=True, compat=OVER_BATCH, currents=masks("dvs")),
    Case("sdt-v1-0011", lambda: SpikeDriven("0011"), 16, "image=16 pooling=0011", "sdt-v1", currents=MASKED),
    Case("sdt-v1-1111", lambda: SpikeDriven("1111"), 64, "image=64 pooling=1111", "sdt-v1", currents=MASKED),
    Case("sdt-v1-dvs", lambda: SpikeDriven("0111", channels=2, dvs_mode=True), 32,
         "image=32 pooling=0111 picture=frames dvs_mode=true", "sdt-v1", events=True, currents=FEW | MASKED),
    Case("sdt-v1-plif", lambda: SpikeDriven("0011", plif=True), 16, "image=16 pooling=0011", currents=MASKED),
    Case("spikingresformer-cifar", lambda: SpikingResformer(side=16), 16,
         "image=16 patches=4/2/1 pairs=1/1/1 group=16", currents=BRANCH),
    Case("sdt-v2", lambda: MetaSpikeFormer(Lif), 64, "image=64 heads=2", currents=BRANCH | MANY),
    Case("sdt-v3", lambda: MetaSpikeFormer(Graded), 64, "image=64 heads=2", steps=1, currents=BRANCH),
    Case("statten", lambda: SpikeDriven("0011", chunk=2), 16, "image=16 pooling=0011 chunk=2", "statten",
         currents=MASKED),
    Case("statten-dvs", lambda: SpikeDriven("0111", channels=2, dvs_mode=True, chunk=4), 32,
         "image=32 pooling=0111 picture=frames dvs_mode=true chunk=4", "statten", events=True,
         currents={r"attn\.[qkv]_bn": (-0.1, 1.3)} | FEW | MASKED),
]


# --- weights ---
def dyadic(x, bits):
    """The nearest number whose mantissa has this many bits."""
    unit = 2.0 ** (torch.floor(torch.log2(x.abs().clamp_min(1e-9))) + 1 - bits)
    return torch.round(x / unit) * unit


def variance(target):
    """A float32 number that eps makes exactly `target`."""
    eps = np.float32(1e-5)
    found = np.float32(target - 1e-5)
    candidates = [found, np.nextafter(found, np.float32(0)), np.nextafter(found, np.float32(9))]
    return float(next(c for c in candidates if c + eps == np.float32(target)))


VARIANCES = torch.tensor([variance(1.0), variance(0.25), variance(4.0)])


def draw_layers(model, exact, generator):
    for name, module in model.named_modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Linear)):
            weight, bias = module.weight.data, module.bias
            weight.copy_(torch.randn(weight.shape, generator=generator))
            if bias is not None:
                bias.data.copy_(torch.randn(bias.shape, generator=generator))
            if exact:  # halves: batch norm brings the sums to size
                weight.mul_(1.6).round_().div_(2)
                bias is None or bias.data.mul_(2).round_().div_(2)
            if name in ("head", "classifier"):
                weight.div_(4)
        elif isinstance(module, DualSpikeAttention):  # powers of four once multiplied by d and by the tokens
            rates = [2.0 ** -(2 + 2 * (h % 2)) for h in range(module.heads)]
            rates = rates if exact else torch.rand(module.heads, generator=generator) / 8 + 0.05
            module.firing_rate_x.view(-1).copy_(torch.as_tensor(rates))
            module.firing_rate_attn.view(-1).copy_(torch.as_tensor(rates) / (4 if exact else 1))
        elif isinstance(module, Plif) and not exact:
            module.w.data.fill_(float(torch.randn((), generator=generator)) * 0.5)


def set_norm(norm, x, target, exact, generator):
    """Statistics and gain that give the output mean and deviation of `target`, roughly."""
    mean, deviation = target
    x = x.movedim(2 if isinstance(norm, TokenNorm) else 1, 0).flatten(1)
    spread = x.std(1).clamp_min(0.3 * float(x.std()) + 1e-6)
    size = len(spread)
    shift = mean + 0.5 * torch.randn(size, generator=generator)
    if exact:
        of = VARIANCES[torch.randint(3, (size,), generator=generator)]
        norm.weight.data.copy_(dyadic(deviation / spread, 2) * torch.sqrt(of + 1e-5).mul(2).round().div(2))
        norm.running_mean.copy_((4 * x.mean(1)).round() / 4)
        norm.bias.data.copy_((8 * shift).round() / 8)
    else:
        of = torch.rand(size, generator=generator) + 0.5
        norm.weight.data.copy_(deviation / spread * torch.sqrt(of))
        norm.running_mean.copy_(x.mean(1))
        norm.bias.data.copy_(shift)
    norm.running_var.copy_(of)


def prepare(case, exact):
    """A model whose layers fire, those that do, its input and its logits."""
    generator = torch.Generator().manual_seed(2)
    channels = 2 if case.events else 3
    sizes = (case.steps, SAMPLES, channels) if case.events else (SAMPLES, channels)
    x = torch.randint(0, 257, (*sizes, case.side, case.side), generator=generator).float() / 256
    x = (x > 0.85).float() * 2 if case.events else x
    model = case.build().eval()
    draw_layers(model, exact, generator)
    done = set()

    def hook(name):
        def before(norm, inputs):
            if name not in done:
                done.add(name)
                target = next((t for p, t in case.currents.items() if re.search(p, name)), (0.3, 1.6))
                set_norm(norm, inputs[0], target, exact, generator)
        return before

    neurons = {}  # in the order of evaluation
    hooks = [module.register_forward_pre_hook(hook(name)) for name, module in model.named_modules()
             if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    hooks += [module.register_forward_hook(lambda m, i, o, name=name: neurons.update({name: m}))
              for name, module in model.named_modules() if isinstance(module, Neuron)]
    with torch.no_grad():
        model(x, case.steps)
        for handle in hooks:
            handle.remove()
        logits = model(x, case.steps)
    return model, neurons, x, logits


# --- volley ---
def neurons_of_graph(path):
    return set(re.findall(r'name: "([\w.]+)"\s+op: "neuron\.', path.read_text()))


def import_model(volley, case, checkpoint, folder, compat):
    config = [word for entry in case.config.split() for word in ("--config", entry)]
    config += ["--compat", compat] if compat else []
    begin = time.perf_counter()
    subprocess.run([volley, "import", checkpoint, "--family", case.family, *config, "-o", folder / "m.txtpb"], check=True,
                   stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def volley_spikes(volley, case, names, x, folder, flags):
    np.savez(folder / "x.npz", **{"frames" if case.events else "image": x.numpy()})
    subprocess.run([volley, "run", folder / "m.txtpb", "-i", folder / "x.npz", "-T", str(case.steps), *flags, "--record",
                    ",".join(names), "-o", folder / "out.npz", "-q"], check=True, stdout=subprocess.DEVNULL)
    return dict(np.load(folder / "out.npz"))


# --- comparison ---
@dataclass
class Result:
    compared: int = 0
    differing: int = 0
    first: float = 0.0  # largest distance from the threshold of spikes that differ first
    samples: int = 0    # without a differing spike
    logits: float = 0.0  # largest error of these samples
    worst: str = ""


def compare(neurons, logits, got):
    result, clean = Result(), np.ones(SAMPLES, bool)
    for name, neuron in neurons.items():  # in the order of evaluation
        wanted = neuron.spikes.numpy()
        ours = got[name].astype(np.float32).reshape(wanted.shape[0], SAMPLES, -1)
        assert ours.shape == wanted.shape, f"{name}: {got[name].shape} for {wanted.shape}"
        differs = ours != wanted
        result.compared += differs.size
        result.differing += int(differs.sum())
        for b in np.flatnonzero(differs.any((0, 2)) & clean):
            step = differs[:, b].argmax(0)  # of the first difference of each neuron of this node
            where = np.flatnonzero(differs[:, b].any(0))
            far = float(neuron.distance.numpy()[step[where], b, where].max())
            result.worst = name if far >= result.first else result.worst
            result.first = max(result.first, far)
            clean[b] = False
    result.samples = int(clean.sum())
    error = np.abs(got["logits"].reshape(logits.shape) - logits.numpy())[clean]
    result.logits = float(error.max()) if error.size else 0.0
    return result


def run_case(volley, case, exact):
    """Rows of the table: folded, unfolded."""
    model, neurons, x, logits = prepare(case, exact)
    rates = {name: float(neuron.spikes.mean()) / neuron.most for name, neuron in neurons.items()}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        checkpoint = folder / "checkpoint.pth.tar"
        state = {f"module.{key}": tensor for key, tensor in model.state_dict().items()}
        torch.save({"epoch": 199, "state_dict": state}, checkpoint)
        if case.compat:  # does the switch change anything?
            import_model(volley, case, checkpoint, folder, "")
            without = compare(neurons, logits, volley_spikes(volley, case, neurons, x, folder, ()))
            assert without.differing > 0, "the same spikes without --compat"
        seconds = import_model(volley, case, checkpoint, folder, case.compat)
        there = neurons_of_graph(folder / "m.txtpb")
        assert there == set(neurons), f"neurons that only one side has: {there ^ set(neurons)}"
        megabytes = checkpoint.stat().st_size / 1e6
        results = {flags: compare(neurons, logits, volley_spikes(volley, case, neurons, x, folder, flags))
                   for flags in ((), ("--unfolded",))}
    return results, rates, seconds, megabytes


HEADER = (f"{'family':28} {'weights':8} {'norms':8} {'spikes':>8} {'rates':>15} {'differ':>7} {'first':>8} {'clean':>5} "
          f"{'logits':>8} {'import s':>8} {'MB':>6}")
TABLE = """| model | spikes | dyadic: differ, logits | random: differ, first at, logits where none | import [s] | file [MB] |
|---|---|---|---|---|---|"""


def is_wrong(r, exact, rates):
    if exact:
        return r.differing > 0 or r.logits != 0 or rates[0] < SILENT
    return r.first >= NEAR or r.logits > LOGITS or rates[0] < SILENT


def lines_of(case, exact, run):
    """One line for folded, one for unfolded; how many are wrong."""
    results, rates, seconds, megabytes = run
    values = sorted(rates.values())
    lines, bad = [], 0
    for flags, r in results.items():
        wrong = is_wrong(r, exact, values)
        bad += wrong
        lines.append(f"{case.name:28} {'dyadic' if exact else 'random':8} {'unfolded' if flags else 'folded':8} "
                     f"{r.compared:>8} {values[0]:5.3f} to {values[-1]:5.3f} {r.differing:>7} {r.first:>8.1e} "
                     f"{r.samples:>2}/{SAMPLES:<2} {r.logits:>8.1e} {seconds:>8.3f} {megabytes:>6.2f}"
                     f"{'  WRONG ' + r.worst if wrong else ''}")
    return lines, bad


def table_row(case, runs):
    """Of folded and unfolded the larger figure."""
    (exact, *_), (rough, _, seconds, megabytes) = runs
    most = lambda results, part: max(getattr(r, part) for r in results.values())
    first = most(rough, "first")
    compared = f"{most(exact, 'compared'):,}".replace(",", " ")
    return (f"| {case.name} | {compared} | {most(exact, 'differing')}, {most(exact, 'logits'):.0f} "
            f"| {most(rough, 'differing')}{f', {first:.0e}' if first else ''}, {most(rough, 'logits'):.1e} "
            f"| {seconds:.2f} | {megabytes:.2f} |")


def main():
    torch.set_num_threads(1)
    arguments = sys.argv[1:]
    verbose, as_table = "-v" in arguments, "--table" in arguments
    arguments = [a for a in arguments if a not in ("-v", "--table")]
    volley = arguments.pop(0) if arguments else str(ROOT / "build" / "volley")
    wanted = arguments or [case.name for case in CASES]
    unknown = set(wanted) - {case.name for case in CASES}
    if unknown:
        sys.exit(f"no case is named {', '.join(sorted(unknown))}")
    bad = 0
    print(TABLE if as_table else HEADER, flush=True)
    for case in CASES:
        runs = []
        for exact in (True, False) if case.name in wanted else ():
            try:
                runs.append(run_case(volley, case, exact))
            except (AssertionError, subprocess.CalledProcessError) as error:
                bad += 1
                print(f"{case.name:28} {'dyadic' if exact else 'random':8} FAILED: {error}", flush=True)
                continue
            lines, wrong = lines_of(case, exact, runs[-1])
            bad += wrong
            if not as_table or wrong:
                print(*lines, sep="\n", flush=True)
            if verbose:
                print("   ", {name: round(rate, 3) for name, rate in runs[-1][1].items()})
        if as_table and len(runs) == 2:
            print(table_row(case, runs), flush=True)
    print(f"{bad} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
