#!/usr/bin/python3
# Times a small spiking network step by step: volley beside torch and snnTorch, alternating, in one run.
"""bench/peers/classic_snn.py VOLLEY_EVENT_BENCH [--rate 5] [--repetitions 7]

784-1000-10 LIF (beta 0.9, threshold 1, reset to 0), T = 1000, one sample, random spikes at the input. Weights and spikes
are random on both sides, of the same distributions. Peers:
  torch, layers   all steps of a layer in one product, then the neurons step by step, in place
  torch, steps    product and neurons step by step
  torch, gather   step by step, only the weight rows that fired
  snntorch        snn.Leaky step by step, when snntorch can be imported
One thread each; time of that thread on the processor, so that a busy machine disturbs less. On AVX-512 machines OpenBLAS is told so (OPENBLAS_CORETYPE): what it picks by itself is slower.
"""
import argparse
import os
import statistics
import subprocess
import time

if "avx512f" in open("/proc/cpuinfo").read():
    os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

INPUTS, HIDDEN, OUTPUTS, STEPS, BETA, THRESHOLD = 784, 1000, 10, 1000, 0.9, 1.0


def lif_layer(current):
    """[T, N] currents to spikes, in place."""
    v = torch.zeros_like(current[0])
    for x in current:
        v.mul_(BETA).add_(x)
        torch.ge(v, THRESHOLD, out=x)
        v.masked_fill_(x.bool(), 0.0)
    return current


def lif_step(v, x):
    v.mul_(BETA).add_(x)
    fired = v >= THRESHOLD
    v.masked_fill_(fired, 0.0)
    return fired


def torch_layers(spikes, w1, w2):
    hidden = lif_layer(spikes @ w1)
    return hidden, lif_layer(hidden @ w2).sum(0)


def torch_steps(spikes, w1, w2):
    v1, v2, total = torch.zeros(HIDDEN), torch.zeros(OUTPUTS), torch.zeros(OUTPUTS)
    for s in spikes:
        fired = lif_step(v1, s @ w1)
        total += lif_step(v2, fired.float() @ w2)
    return None, total


def torch_gather(spikes, w1, w2):
    v1, v2, total = torch.zeros(HIDDEN), torch.zeros(OUTPUTS), torch.zeros(OUTPUTS)
    for s in spikes:
        fired = lif_step(v1, w1[s.nonzero(as_tuple=True)[0]].sum(0))
        total += lif_step(v2, w2[fired.nonzero(as_tuple=True)[0]].sum(0))
    return None, total


def snntorch_steps():
    import snntorch

    def run(spikes, w1, w2):
        lif1 = snntorch.Leaky(beta=BETA, threshold=THRESHOLD, reset_mechanism="zero")
        lif2 = snntorch.Leaky(beta=BETA, threshold=THRESHOLD, reset_mechanism="zero")
        first, second = torch.nn.Linear(INPUTS, HIDDEN, bias=False), torch.nn.Linear(HIDDEN, OUTPUTS, bias=False)
        first.weight.data, second.weight.data = w1.t().contiguous(), w2.t().contiguous()
        v1, v2, total = lif1.init_leaky(), lif2.init_leaky(), torch.zeros(1, OUTPUTS)
        for s in spikes:
            fired, v1 = lif1(first(s[None]), v1)
            out, v2 = lif2(second(fired), v2)
            total += out
        return None, total

    return f"snntorch {snntorch.__version__}", run


def volley(program, rate):
    """Hidden spikes a step and the time of a step of each executor [us]."""
    text = subprocess.run([program, str(rate)], check=True, capture_output=True, text=True).stdout
    head, row = text.strip().splitlines()
    found = dict(zip(head.split(","), map(float, row.split(","))))
    names = ["stepped", "layered", "event_driven"]
    return found["hidden_spikes_per_step"], {f"volley {name}": found[f"{name}_us"] for name in names}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("volley", help="the program volley_event_bench")
    parser.add_argument("--rate", type=float, default=5.0, help="of the input [%%]")
    parser.add_argument("--repetitions", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    peers = {"torch, layers": torch_layers, "torch, steps": torch_steps, "torch, gather": torch_gather}
    try:
        name, run = snntorch_steps()
        peers[name] = run
    except ImportError:
        print("snntorch is not there")
    times, hidden = {}, 0.0
    with torch.no_grad():
        w1, w2 = (spread * (2 * torch.rand(a, b) - 1) for a, b, spread in [(INPUTS, HIDDEN, 0.15), (HIDDEN, OUTPUTS, 0.1)])
        spikes = (torch.rand(STEPS, INPUTS) < options.rate / 100).float()
        print(f"torch {torch.__version__}, one thread, hidden spikes a step: {torch_layers(spikes, w1, w2)[0].sum() / STEPS:.1f}")
        for _ in range(options.repetitions):
            for name, run in peers.items():
                begin = time.thread_time()
                run(spikes, w1, w2)
                times.setdefault(name, []).append((time.thread_time() - begin) / STEPS * 1e6)
            hidden, found = volley(options.volley, options.rate)
            for name, us in found.items():
                times.setdefault(name, []).append(us)
    print(f"volley, one thread, hidden spikes a step: {hidden:.1f}")
    own = statistics.median(times["volley event_driven"])
    print(f"{'':24}{'us a step':>10}{'least':>8}{'to event_driven':>17}")
    for name, all_times in times.items():
        us = statistics.median(all_times)
        print(f"{name:24}{us:10.2f}{min(all_times):8.2f}{us / own:17.1f}")


if __name__ == "__main__":
    main()
