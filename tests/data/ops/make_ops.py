# Writes each operator alone: graph, weights, inputs, and what loops in float64 give for its equation.
#   python3 tests/data/ops/make_ops.py
# Arrays of NAME.npz: the inputs [T B ...], wanted (the first output), wanted_OUTPUT (the others), tolerance.
import numpy as np
from op_files import binary, bipolar, dense, write

T, B, N, C, H = 2, 3, 5, 6, 2
D = C // H
rng = np.random.default_rng(0)


def real(*shape):
    return rng.standard_normal(shape).astype(np.float32).astype(np.float64)


def dyadic(*shape):
    return np.round(real(*shape) * 8) / 8


def spikes(*shape, rate=0.5):
    return (rng.random(shape) < rate).astype(np.float64)


def ternary(*shape):
    return spikes(*shape, rate=0.7) * np.where(spikes(*shape) > 0, 1.0, -1.0)


def per_head(body, outputs, *inputs):
    """body(h, its channels of each input [N d]) -> one array per output; placed into [T B N C] or [T B H ...]."""
    for t in range(inputs[0].shape[0]):
        for b in range(inputs[0].shape[1]):
            for h in range(H):
                parts = []
                for x in inputs:
                    width = x.shape[3] // H
                    parts.append(x[t, b, :, h * width:(h + 1) * width])
                for out, part in zip(outputs, body(h, *parts)):
                    if out.ndim == 4:
                        out[t, b, :, h * part.shape[1]:(h + 1) * part.shape[1]] = part
                    else:
                        out[t, b, h] = part
    return outputs


def scores_and_out(weight_row, q, k, v):
    """weight_row(n, scores of query n with all keys) -> weights of the values."""
    score, out = np.zeros((T, B, H, q.shape[2], k.shape[2])), np.zeros((T, B, q.shape[2], v.shape[3]))

    def body(_, q, k, v):
        rows = np.array([weight_row(n, np.array([sum(a * b for a, b in zip(query, key)) for key in k]))
                         for n, query in enumerate(q)])
        return sum(rows[:, m:m + 1] * v[m] for m in range(len(v))), rows
    per_head(body, (out, score), q, k, v)
    return {"out": out, "score": score}


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def softmaxes():
    q, k, v = real(T, B, N, C), real(T, B, N + 2, C), real(T, B, N + 2, C)
    write("softmax", "attention.softmax", {"q": dense(q), "k": dense(k), "v": dense(v)},
          scores_and_out(lambda n, x: softmax(x / np.sqrt(D)), q, k, v), {"heads": H}, tolerance=1e-5)
    k, v, mask = k[:, :, :N], v[:, :, :N], spikes(T, B, N, 1)
    mask[0, 1] = 0  # all tokens masked: 0 comes out
    out, score = np.zeros((T, B, N, C)), np.zeros((T, B, H, N, N))
    for t, b, h, n in np.ndindex(T, B, H, N):
        seen = [m for m in range(n + 1) if mask[t, b, m, 0] != 0]
        if seen:
            at = slice(h * D, (h + 1) * D)
            score[t, b, h, n, seen] = softmax(np.array([0.5 * q[t, b, n, at] @ k[t, b, m, at] for m in seen]))
            out[t, b, n, at] = sum(score[t, b, h, n, m] * v[t, b, m, at] for m in seen)
    write("softmax_masks", "attention.softmax",
          {"q": dense(q), "k": dense(k), "v": dense(v), "key_mask": dense(mask)}, {"out": out, "score": score},
          {"heads": H, "scale": 0.5, "mask": "causal"}, tolerance=1e-5)


def spike_attentions():
    q, k, v = spikes(T, B, N, C), spikes(T, B, N, C), spikes(T, B, N, C)
    q[0, 0, 2] = 0  # a silent query
    wanted = scores_and_out(lambda n, x: x, q, k, v)
    wanted["out"] = wanted["out"] * 0.125
    write("ssa", "attention.ssa", {"q": binary(q), "k": binary(k), "v": binary(v)}, wanted, {"heads": H})
    q, k, v = (rng.integers(0, 5, (T, B, N, c)).astype(float) for c in (C, C, 2 * C))
    wanted = scores_and_out(lambda n, x: x, q, k, v)
    wanted["out"] = wanted["out"] * 0.5 / 4 ** 3
    write("ssa_graded", "attention.ssa", {name: (x, "GRADED4", "NC") for name, x in zip("qkv", (q, k, v))}, wanted,
          {"heads": H, "scale": 0.5, "norm": 4, "order": "q_kv"})
    q, k, v = spikes(2 * T, B, N, C), spikes(2 * T, B, N, C), spikes(2 * T, B, N, C)
    out = np.zeros_like(q)
    for t in range(2 * T):
        for u in (t // 2 * 2, t // 2 * 2 + 1):
            out[t:t + 1] += per_head(lambda _, q, k, v: [q @ k.T @ v], [np.zeros((1, B, N, C))], q[t:t + 1],
                                     k[u:u + 1], v[u:u + 1])[0] * 0.25
    write("statten", "attention.statten", {"q": binary(q), "k": binary(k), "v": binary(v)}, {"out": out},
          {"heads": H, "chunk": 2, "scale": 0.25})


def shiftmax(x, max_shift):
    low = int(x.min())
    gamma = (sum(1 << (int(n) - low) for n in x) - 1).bit_length() + low
    return np.array([0.0 if gamma - n > max_shift else 2.0 ** -(gamma - n) for n in x])


def bipolars():
    q, k, v = ternary(T, B, N, C), ternary(T, B, N, C), dyadic(T, B, N, C)
    q[1, 2, 0] = 0  # a silent query: all keys weigh the same
    inputs = {"q": bipolar(q), "k": bipolar(k), "v": dense(v)}
    write("bipolar", "attention.bipolar", inputs, scores_and_out(lambda n, x: shiftmax(x, 99), q, k, v), {"heads": H})
    wanted = scores_and_out(lambda n, x: shiftmax(x, 3), q, k, v)
    fixed = np.zeros((T, B, N, C))
    for t, b, n, c, m in np.ndindex(T, B, N, C, N):
        weight = wanted["score"][t, b, c // D, n, m]
        if weight > 0:
            fixed[t, b, n, c] += (int(np.rint(v[t, b, m, c] * 16)) >> int(-np.log2(weight))) / 16
    wanted["out"] = fixed
    write("bipolar_fixed_point", "attention.bipolar", inputs, wanted,
          {"heads": H, "max_shift": 3, "arithmetic": "qmn", "frac_bits": 4})

    def nearest(n, x):
        taken = (x == x.max()).astype(float)
        return taken / taken.sum()
    write("select", "attention.select", inputs, scores_and_out(nearest, q, k, v), {"heads": H}, tolerance=1e-6)
    x = {name: dense(real(T, B, N, C)) for name in "qkv"}
    write("select_constant", "attention.select", x, scores_and_out(lambda n, s: s / D, *(x[i][0] for i in "qkv")),
          {"heads": H, "rule": "constant"}, tolerance=1e-5)


def masks():
    q, k, v = spikes(T, B, N, C), spikes(T, B, N, C), spikes(T, B, N, C, rate=0.8)
    write("sdsa1", "attention.sdsa1", {"k": binary(k), "v": binary(v)},
          {"out": (k * v).sum(2, keepdims=True), "kv": k * v})
    gate = spikes(T, B, 1, C)
    write("column_mask", "attention.column_mask", {"q": binary(q), "g": binary(gate)}, {"out": q * gate})
    write("token_sum", "attention.token_sum", {"q": binary(q)}, {"out": q.reshape(T, B, N, H, D).sum(4)}, {"heads": H})
    gate = spikes(T, B, N, H)
    write("token_mask", "attention.token_mask", {"a": binary(gate), "k": binary(k)}, {"out": np.repeat(gate, D, 3) * k})
    write("channel_sum", "attention.channel_sum", {"q": binary(q)}, {"out": q.sum(2, keepdims=True)})
    pooled = np.zeros_like(q)
    for t, b, n, c in np.ndindex(q.shape):
        head = c // D * D
        pooled[t, b, n, c] = q[t, b, max(n - 1, 0):n + 2, max(c - 1, head):min(c + 2, head + D)].max()
    write("pool_heads", "pool.heads", {"in": binary(q)}, {"out": pooled}, {"heads": H})


def dual_spikes():
    y, s, a, rate = real(T, B, 2, 2 * C), spikes(T, B, N, C), spikes(T, B, H, 2, N), np.array([0.25, 0.5])
    scores, values = np.zeros((T, B, H, 2, N)), np.zeros((T, B, N, C))
    for t, b, h in np.ndindex(T, B, H):
        y1, y2 = y[t, b, :, 2 * h * D:(2 * h + 1) * D], y[t, b, :, (2 * h + 1) * D:(2 * h + 2) * D]
        scores[t, b, h] = y1 @ s[t, b, :, h * D:(h + 1) * D].T / np.sqrt(rate[h] * D)
        values[t, b, :, h * D:(h + 1) * D] = a[t, b, h].T @ y2 / np.sqrt(rate[h] * 4)
    write("dssa_scores", "attention.dssa_scores", {"y": dense(y), "s": binary(s)}, {"out": scores}, {"heads": H},
          {"firing_rate_x": rate}, 1e-5)
    write("dssa_values", "attention.dssa_values", {"y": dense(y), "a": binary(a, "HMN")}, {"out": values},
          {"heads": H, "tokens": 4}, {"firing_rate_attn": rate}, 1e-5)


def circulants():
    z, v, mask = real(T, B, N, H), real(T, B, N, C), spikes(T, B, N, 1, rate=0.6)
    mask[1, 0] = 0  # all tokens masked
    roll = np.array([[(j - i) % N for j in range(N)] for i in range(N)])

    def plain(_, z, v):
        w = softmax(z[:, 0])
        return w[roll] @ v, w[:, None]
    out, weights = per_head(plain, (np.zeros_like(v), np.zeros_like(z)), z, v)
    write("cat", "attention.cat", {"z": dense(z), "v": dense(v)}, {"out": out, "weights": weights}, {"heads": H},
          tolerance=1e-5)
    out, weights = np.zeros_like(v), np.zeros_like(z)
    for t, b, h, i in np.ndindex(T, B, H, N):
        e = np.exp(z[t, b, :i + 1, h]) * mask[t, b, :i + 1, 0]
        if e.sum() > 0:
            weights[t, b, i, h] = e[i] / e.sum()
            for j in range(i + 1):
                out[t, b, i, h * D:(h + 1) * D] += e[i - j] / e.sum() * v[t, b, j, h * D:(h + 1) * D]
    write("cat_causal", "attention.cat", {"z": dense(z), "v": dense(v), "key_mask": dense(mask)},
          {"out": out, "weights": weights}, {"heads": H, "causal": "rel"}, tolerance=1e-5)
    q, k = real(T, B, N, C), real(T, B, N + 1, C)
    logits = (q * k.mean(2, keepdims=True)).reshape(T, B, N, H, D).sum(4) / np.sqrt(D)
    write("cat_logits", "attention.cat_logits", {"q": dense(q), "k": dense(k)}, {"out": logits}, {"heads": H},
          tolerance=1e-5)
    a, v = spikes(T, B, N, H), spikes(T, B, N, C)
    a[0, 0, :, 0] = 0  # no kernel spike in this head
    total = per_head(lambda _, a, v: [a[:, 0][roll] @ v], [np.zeros_like(v)], a, v)[0]
    fires = total >= 0.5 * np.maximum(1, np.repeat(a.sum(2, keepdims=True), D, 3))
    write("cat_spikes", "attention.cat_spikes", {"a": binary(a), "v": binary(v)}, {"out": fires.astype(float), "sum": total},
          {"heads": H, "threshold": 0.5})


def primals():
    rank, (q, k, x) = 2, (real(T, B, N, C) for _ in range(3))
    lam, wc, bc = np.abs(real(H, rank)), real(D, 2 * rank), real(D)
    for name, rows in (("primal", 4), ("primal_causal", D)):
        we, wr = real(H, rows, rank), real(H, rows, rank)
        sampled = [j * (N - 1) // (rows - 1) for j in range(rows)]

        def body(h, q, k, x):
            if name == "primal_causal":
                q, k = (np.cumsum(y, 0) / np.arange(1, N + 1)[:, None] for y in (q, k))
                maps = we[h], wr[h]
            else:
                maps = x[sampled].T @ we[h], x[sampled].T @ wr[h]
            e, r = (y / np.linalg.norm(y, axis=1, keepdims=True) @ w for y, w in zip((q, k), maps))
            return np.concatenate([e, r], 1) @ wc.T + bc, e, r
        outs = [np.zeros((T, B, N, c)) for c in (C, H * rank, H * rank)]
        out, e, r = per_head(body, outs, q, k, x)
        flat = lam.reshape(-1)
        squares = ((flat * e) ** 2).sum((2, 3)) + ((flat * r) ** 2).sum((2, 3))
        j = squares / (2 * N * H) - np.mean([np.trace(a.T @ b) for a, b in zip(we, wr)])
        inputs = {"q": dense(q), "k": dense(k), "x": dense(x)}
        attr = {"heads": H, "rank_multi": 2}
        if name == "primal_causal":
            inputs.pop("x")
            attr = {"heads": H, "causal": True}
        write(name, "attention.primal", inputs, {"out": out, "e": e, "r": r, "objective": j[..., None],
                                                 "loss": j[..., None] ** 2}, attr,
              {"we": we, "wr": wr, "lambda": lam, "concate_weight": wc, "concate_bias": bc}, 1e-5)
    q, k, x = ternary(T, B, N, C), ternary(T, B, N, C), spikes(T, B, N, C)
    q[0, 1, 3] = 0  # a silent query: nothing fires
    we, wr, lam = dyadic(H, 4, rank), dyadic(H, 4, rank), np.ones((H, rank))
    sampled = [j * (N - 1) // 3 for j in range(4)]

    def spiking(h, q, k, x):
        a = [y @ (x[sampled].T @ w[h]) for y, w in ((q, we), (k, wr))]
        length = [np.abs(y).sum(1, keepdims=True) for y in (q, k)]
        fires = [np.sign(s) * (s * s >= 0.75 ** 2 * n) for s, n in zip(a, length)]
        return [np.concatenate(fires, 1)] + [s / np.sqrt(np.maximum(1, n)) for s, n in zip(a, length)]
    out, e, r = per_head(spiking, [np.zeros((T, B, N, c)) for c in (2 * H * rank, H * rank, H * rank)], q, k, x)
    j = (e ** 2 + r ** 2).sum((2, 3)) / (2 * N * H) - np.mean([np.trace(a.T @ b) for a, b in zip(we, wr)])
    write("primal_scores", "attention.primal_scores", {"q": bipolar(q), "k": bipolar(k), "x": binary(x)},
          {"out": out, "e": e, "r": r, "objective": j[..., None], "loss": j[..., None] ** 2},
          {"heads": H, "rank_multi": 2, "threshold": 0.75},
          {"we": we, "wr": wr, "lambda": lam}, 1e-6)
    mixed = per_head(lambda _, s: [s @ wc.T + bc], [np.zeros((T, B, N, C))], out)[0]
    write("primal_mix", "attention.primal_mix", {"scores": bipolar(out)}, {"out": mixed}, {"heads": H},
          {"concate_weight": wc, "concate_bias": bc}, 1e-5)
    x, m, fired = dyadic(T, B, N, C), np.zeros((T, B, C)), np.zeros((T, B, N, C))
    for n in range(N):
        m = 0.5 * m + x[:, :, n]
        fired[:, :, n] = np.sign(m) * (np.abs(m) >= 0.75)
    write("running_spikes", "attention.running_spikes", {"in": dense(x)}, {"out": fired}, {"decay": 0.5, "threshold": 0.75})


def times():
    ticks = np.sort(rng.integers(0, 1000, (T, B, N, 1)), 2).astype(float)
    target = ticks[:, :, -1:] + 50
    live = np.ones((T, B, N, 1))
    live[1, 1, :2] = 0
    p, r, beta = np.array([0.5, 1, 2]), np.array([0.25, 1.5, 3]), real(6)
    t = ticks - ticks[:, :, :1]
    features = np.concatenate([np.sin(t * 10 ** -p), np.cos(t * 10 ** -r)], 3)
    write("bochner", "time.bochner", {"stamps": dense(ticks)}, {"out": features * beta}, {"time_ref": "since_first"},
          {"sin_exponent": p, "cos_exponent": r, "beta": beta}, 1e-5)
    a, bias = real(3, 4), real(3)
    span, mercer = target - ticks, np.zeros((T, B, N, 3))
    for i in range(3):
        mercer[..., i] = bias[i]
        for j in (1, 2):
            phase = span[..., 0] * j * 10 ** -p[i]
            mercer[..., i] += a[i, j - 1] * np.sin(phase) + a[i, 2 + j - 1] * np.cos(phase)
    write("mercer", "time.mercer", {"stamps": dense(ticks), "target": dense(target)}, {"out": mercer},
          {"time_ref": "target_span"}, {"exponent": p, "coefficient": a, "bias": bias}, 1e-5)
    omega, circle = np.float32([0.01, 0.3, -2.5]), 1 << 40
    code = np.zeros((T, B, N, 3 * 8))
    for b in np.ndindex(T, B, N):
        for i, w in enumerate(omega):
            phase = int(span[b][0]) * round(float(w) / (2 * np.pi) * circle) % circle
            code[b + (8 * i + (phase >> 37),)] = live[b][0]
    write("phase", "time.phase", {"stamps": dense(ticks), "target": dense(target), "live": dense(live)}, {"out": code},
          {"time_ref": "target_span", "bits": 3}, {"omega": omega})
    stamps, v, gain = ticks / 16, spikes(T, B, N, C), real(3)
    query, heard = stamps + 1.5, np.zeros((T, B, N, C))
    for t, b, n in np.ndindex(T, B, N):
        for m in range(n + 1):
            s = query[t, b, n, 0] - stamps[t, b, m, 0]
            heard[t, b, n] += np.exp(-s / 20) * (gain * np.cos(omega.astype(float) * s)).sum() * v[t, b, m]
    write("resonator", "attention.resonator", {"v": binary(v), "stamps": dense(stamps), "query": dense(query)},
          {"out": heard}, {"tau": 20}, {"omega": omega, "gain": gain}, 1e-5)


def tables():
    classes, width, columns, rows = [0, 3, 0], 4, 3, 5
    values = np.stack([real(T, B, rows), rng.integers(0, 3, (T, B, rows)).astype(float), real(T, B, rows)], 3)
    mask = spikes(T, B, rows, columns, rate=0.3)
    firsts = np.cumsum([0] + [max(c, 1) + 1 for c in classes])
    weights = {"weight": real(width, firsts[-1]), "bias": real(columns, width), "index": real(columns, width),
               "type": real(2, width), "mean": real(columns), "deviation": np.abs(real(columns)) + 0.5}
    cells = np.zeros((T, B, rows, columns, width))
    for at in np.ndindex(T, B, rows, columns):
        x, first = at[3], firsts[at[3]]
        if mask[at]:
            cells[at] = weights["weight"][:, first + max(classes[x], 1)]
        elif classes[x]:
            cells[at] = weights["weight"][:, first + int(values[at])]
        else:
            cells[at] = weights["weight"][:, first] * (values[at] - weights["mean"][x]) / weights["deviation"][x]
        cells[at] += weights["bias"][x] + weights["index"][x] + weights["type"][int(classes[x] > 0)]
    write("embed_columns", "embed.columns", {"values": dense(values, "YX"), "mask": dense(mask, "YX")}, {"out": cells},
          {"classes": classes}, weights, 1e-5)
    cells, outputs = real(T, B, rows, columns, width), [2, 0, 1]
    w, bias = real(3, width), real(3)
    read = np.stack([cells[:, :, :, x] @ w[j] + bias[j] for j, x in enumerate([0, 0, 2])], 3)
    write("readout_columns", "readout.columns", {"in": dense(cells, "YXC")}, {"out": read}, {"outputs": outputs},
          {"weight": w, "bias": bias}, 1e-5)
    tokens = cells.reshape(T, B, rows, columns * width)
    write("rows_to_tokens", "layout.rows_to_tokens", {"in": dense(cells, "YXC")}, {"out": tokens})
    write("tokens_to_rows", "layout.tokens_to_rows", {"in": dense(tokens)}, {"out": cells}, {"columns": columns})


def token_operators():
    words, table = rng.integers(0, 7, (T, B, N)).astype(float), real(7, C)
    write("embed_table", "embed.table", {"tokens": dense(words, "N")}, {"out": table[words.astype(int)]},
          weights={"weight": table})
    x, mask, hidden = real(T, B, N, C), spikes(T, B, N, 1), real(C)
    write("embed_mask", "embed.mask", {"in": dense(x), "mask": dense(mask)}, {"out": np.where(mask != 0, hidden, x)},
          weights={"weight": hidden})
    position = real(N, C)
    write("embed_position", "embed.position", {"in": dense(x)}, {"out": x + position}, weights={"weight": position},
          tolerance=1e-6)
    y = real(T, B, 2, C)
    write("merge_tokens", "merge.tokens", {"x": dense(x), "y": dense(y)}, {"out": np.concatenate([x, y], 2)})
    y = real(T, B, N, 2)
    write("merge_concat", "merge.concat", {"x": dense(x), "y": dense(y)}, {"out": np.concatenate([x, y], 3)})
    write("take_tokens", "layout.take_tokens", {"in": dense(x)}, {"out": x[:, :, 1:4]}, {"first": 1, "count": 3})
    height, width, window, shift, place = 4, 6, 2, 1, []
    grid = spikes(T, B, height * width, C)
    for n in range(height * width):
        m, i = n // window ** 2, n % window ** 2
        row = m // (width // window) * window + i // window + shift
        column = m % (width // window) * window + i % window + shift
        place.append(row % height * width + column % width)
    attr = {"height": height, "width": width, "window": window, "shift": shift}
    write("windows", "layout.windows", {"in": binary(grid)}, {"out": grid[:, :, place]}, attr)
    write("from_windows", "layout.from_windows", {"in": binary(grid[:, :, place])}, {"out": grid}, attr)


if __name__ == "__main__":
    softmaxes()
    spike_attentions()
    bipolars()
    masks()
    dual_spikes()
    circulants()
    primals()
    times()
    tables()
    token_operators()
