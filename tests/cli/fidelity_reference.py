#!/usr/bin/env python3
# Attention maps of every mechanism in plain loops, beside what `volley analyze fidelity` says of them.
#   fidelity_reference.py VOLLEY   (in a scratch folder)
import json
import math
import random
import struct
import subprocess
import sys
import zipfile

T, N, H, D = 4, 5, 2, 3  # more tokens than channels of a head, so that statten's map comes in two parts
C, CHUNK, THRESHOLD = H * D, 2, 0.7


def write_npz(path, arrays):
    with zipfile.ZipFile(path, "w") as file:
        for name, numbers in arrays.items():
            head = ("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 1, %d, %d), }" % (T, N, C)).ljust(117)
            flat = [x for step in numbers for row in step for x in row]
            file.writestr(name + ".npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + head.encode() + b"\n" +
                          struct.pack("<%df" % len(flat), *flat))


def fire(currents, signed):
    """u = v / 2 + x; a spike at |u| >= threshold (u >= threshold), then v = 0."""
    v = [[0.0] * C for _ in range(N)]
    out = []
    for step in currents:
        spikes = [[0] * C for _ in range(N)]
        for n in range(N):
            for c in range(C):
                u = v[n][c] / 2 + step[n][c]
                if u >= THRESHOLD:
                    spikes[n][c] = 1
                elif signed and u <= -THRESHOLD:
                    spikes[n][c] = -1
                v[n][c] = 0.0 if spikes[n][c] else u
        out.append(spikes)
    return out


def leaky(inputs, threshold):
    """Spikes over the steps of v + (x - v) / 2, reset to 0; inputs: a number a step."""
    v, out = 0.0, []
    for x in inputs:
        v = v + (x - v) / 2
        out.append(1 if v >= threshold else 0)
        v = 0.0 if out[-1] else v
    return out


def products(q, k, h):
    return [[[sum(q[t][i][c] * k[t][j][c] for c in range(h * D, h * D + D)) for j in range(N)] for i in range(N)]
            for t in range(T)]


def rowwise(scores, rule):
    return [[rule(row) for row in step] for step in scores]


def softmax(row):
    powers = [math.exp(x - max(row)) for x in row]
    return [p / sum(powers) for p in powers]


def shiftmax(row):
    total, gamma = sum(2.0 ** x for x in row), -200
    while 2.0 ** gamma < total:
        gamma += 1
    return [2.0 ** (x - gamma) for x in row]


def maps_of_head(q, k, h):
    binary_q, binary_k, ternary_q, ternary_k = fire(q, False), fire(k, False), fire(q, True), fire(k, True)
    real = [[[x / math.sqrt(D) for x in row] for row in step] for step in products(q, k, h)]
    counts, signed = products(binary_q, binary_k, h), products(ternary_q, ternary_k, h)
    maps = {"softmax": rowwise(real, softmax), "ssa": counts}
    for name, scores in (("binary", counts), ("ternary", signed)):
        maps[f"bsa_{name}_none"] = scores
        maps[f"bsa_{name}_softmax"] = rowwise(scores, softmax)
        maps[f"bsa_{name}_shiftmax"] = rowwise(scores, shiftmax)
    maps["cat"] = []
    for t in range(T):
        mean = [sum(k[t][m][c] for m in range(N)) / N for c in range(C)]
        w = softmax([sum(q[t][n][c] * mean[c] for c in range(h * D, h * D + D)) / math.sqrt(D) for n in range(N)])
        maps["cat"].append([[w[(j - i) % N] for j in range(N)] for i in range(N)])
    maps["statten"] = []
    for t in range(T):
        first = t - t % CHUNK
        maps["statten"].append([[sum(binary_q[t][i][c] * binary_k[u][j][c] for u in range(first, first + CHUNK)
                                     for c in range(h * D, h * D + D)) for j in range(N)] for i in range(N)])
    gates = [leaky([sum(binary_q[t][n][h * D:h * D + D]) for t in range(T)], 0.5) for n in range(N)]
    maps["qk_token"] = [[[gates[i][t] if i == j else 0 for j in range(N)] for i in range(N)] for t in range(T)]
    rate = sum(binary_q[t][n][c] for t in range(T) for n in range(N) for c in range(h * D, h * D + D)) / (T * N * D)
    scale = 1 / math.sqrt(rate * D)
    mixed = products(binary_q, k, h)  # spikes of q, currents of k
    fired = [[leaky([scale * mixed[t][i][j] for t in range(T)], 1) for j in range(N)] for i in range(N)]
    maps["dssa"] = [[[fired[i][j][t] for j in range(N)] for i in range(N)] for t in range(T)]
    return {name: [[sum(step[i][j] for step in steps) / T for j in range(N)] for i in range(N)]
            for name, steps in maps.items()}


def expected(reference, maps):
    """Cosine and Jensen-Shannon divergence as means over heads and rows; row sums; zero entries."""
    cosines, divergences, sums, zeros = [], [], [], 0
    for p, q in zip(reference, maps):
        flat_p, flat_q = sum(p, []), sum(q, [])
        length = math.sqrt(sum(x * x for x in flat_q))
        if length > 0:
            cosines.append(sum(a * b for a, b in zip(flat_p, flat_q)) / length / math.sqrt(sum(x * x for x in flat_p)))
        zeros += sum(x == 0 for x in flat_q)
        for row_p, row_q in zip(p, q):
            sums.append(sum(row_q))
            if min(row_q) < 0 or max(row_q) == 0:
                continue
            a, b = [x / sum(row_p) for x in row_p], [x / sum(row_q) for x in row_q]
            gain = lambda x, y: 0 if x == 0 else x * math.log2(2 * x / (x + y))
            divergences.append(sum(gain(x, y) + gain(y, x) for x, y in zip(a, b)) / 2)
    mean = lambda numbers: sum(numbers) / len(numbers) if numbers else None
    return {"cosine": mean(cosines), "row_sum_mean": mean(sums), "zero_entries_percent": 100 * zeros / (H * N * N),
            "jensen_shannon_bits": mean(divergences) if 2 * len(divergences) >= len(sums) else None}


def main():
    random.seed(11)
    single = lambda x: struct.unpack("<f", struct.pack("<f", x))[0]
    q, k = ([[[single(random.gauss(0.3, 0.8)) for _ in range(C)] for _ in range(N)] for _ in range(T)] for _ in range(2))
    write_npz("currents.npz", {"q": q, "k": k})
    out = subprocess.run([sys.argv[1], "analyze", "fidelity", "currents.npz", "--heads", str(H), "--chunk", str(CHUNK),
                          "--threshold", str(THRESHOLD), "--format", "json"], capture_output=True, check=True)
    found = {row["mechanism"]: row for row in json.loads(out.stdout)["maps"]}
    heads = [maps_of_head(q, k, h) for h in range(H)]
    bad = set(found) != set(heads[0])
    for name in heads[0]:
        wanted = expected([head["softmax"] for head in heads], [head[name] for head in heads])
        for key, value in wanted.items():
            got = found[name][key]
            if (value is None) != (got is None) or (value is not None and abs(value - got) > 1e-5):
                print(f"{name}: {key} is {got}, wanted {value}")
                bad = True
    print(f"fidelity_reference: {len(heads[0])} mechanisms")
    sys.exit(1 if bad else 0)


main()
