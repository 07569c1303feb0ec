# Makes NIR files and, by loops of its own, what they compute: python3 make_nir.py (numpy, h5py)
import h5py
import numpy as np

DT = 2.0 ** -10   # [s]; with TAU and weights on a grid, float32 sums are exact
TAU = 2.0 ** -8   # [s]
STEPS = 12
rng = np.random.default_rng(0)


def grid(*shape):
    return (rng.integers(-8, 9, shape) / 8).astype("f4")


def write(group, nodes, edges):
    text = h5py.string_dtype()
    group.create_dataset("type", data="NIRGraph", dtype=text)
    group.create_dataset("edges", data=np.array(edges, dtype=object).reshape(-1, 2), dtype=text)
    for name, node in nodes.items():
        inner = group.create_group("nodes/" + name)
        if "nodes" in node:
            write(inner, node["nodes"], node["edges"])
            continue
        for key, value in node.items():
            if isinstance(value, str):
                inner.create_dataset(key, data=value, dtype=text)
            else:
                value = np.asarray(value)
                packing = {"chunks": True, "compression": "gzip"} if value.ndim else {}
                inner.create_dataset(key, data=value, **packing)


def save(name, nodes, edges, x, outputs, version="1.0.8"):
    with h5py.File(name + ".nir", "w") as file:
        file.create_dataset("version", data=version, dtype=h5py.string_dtype())
        write(file.create_group("node"), nodes, edges)
        if version.startswith("1."):
            file.create_dataset("node/metadata/dt", data=DT)
    np.savez_compressed(name + ".npz", input=x.astype("f4"), **{key: value.astype("f4") for key, value in outputs.items()})


class Neuron:
    """keep, gain, offset of one Euler step; optional synaptic current; fires above the threshold."""

    def __init__(self, keep, gain, offset=0.0, threshold=None, reset=0.0, current=None):
        self.keep, self.gain, self.offset = keep, gain, offset
        self.threshold, self.reset, self.current = threshold, reset, current
        self.v, self.c = np.asarray(0.0 if threshold is None else reset, "f8"), 0.0

    def __call__(self, x):
        if self.current is not None:
            self.c = self.current[0] * self.c + self.current[1] * x
            x = self.c
        self.v = self.keep * self.v + self.gain * x + self.offset
        if self.threshold is None:
            return self.v
        spike = (self.v > self.threshold).astype("f8")
        self.v = np.where(spike > 0, self.reset, self.v)
        return spike


def leaky(r, leak=0.0, **firing):
    return Neuron(1 - DT / TAU, DT / TAU * r, DT / TAU * leak, **firing)


def conv(x, w, bias, stride, padding):
    """x [C Y X], w [O C ky kx]."""
    x = np.pad(x, ((0, 0), (padding[0],) * 2, (padding[1],) * 2))
    ky, kx = w.shape[2:]
    ys, xs = (x.shape[1] - ky) // stride[0] + 1, (x.shape[2] - kx) // stride[1] + 1
    out = np.zeros((w.shape[0], ys, xs))
    for y in range(ys):
        for z in range(xs):
            part = x[:, y * stride[0]:y * stride[0] + ky, z * stride[1]:z * stride[1] + kx]
            out[:, y, z] = (w * part).sum((1, 2, 3))
    return out + bias[:, None, None]


def pool_sum(x, k):
    c, y, z = x.shape
    return x.reshape(c, y // k, k, z // k, k).sum((2, 4))


def run(x, step):
    out = [step(frame.astype("f8")) for frame in x]
    return np.stack(out)[:, None]  # [T S ...]


def spikes(*shape):
    return (rng.random((STEPS,) + shape) < 0.4).astype("f4")


def make_cnn():
    x = spikes(2, 6, 6)
    w1, b1, r = grid(3, 2, 3, 3), grid(3), 1 / DT
    threshold = 0.5 + rng.integers(0, 4, (3, 6, 6)) / 4  # differs from neuron to neuron
    w2, b2, leak = grid(4, 27), grid(4), 0.25
    nodes = {
        "input": {"type": "Input", "shape": np.array([2, 6, 6])},
        "0": {"type": "Conv2d", "weight": w1, "bias": b1, "stride": np.array([1, 1]), "padding": "same",
              "dilation": np.array([1, 1]), "groups": 1, "input_shape": np.array([6, 6])},
        "1": {"type": "IF", "r": np.full((3, 6, 6), r), "v_threshold": threshold, "v_reset": np.zeros((3, 6, 6))},
        "2": {"type": "SumPool2d", "kernel_size": np.array([2, 2]), "stride": np.array([2, 2]), "padding": np.array([0, 0])},
        "3": {"type": "Flatten", "start_dim": 0, "end_dim": -1, "input_type": np.array([3, 3, 3])},
        "fc.out": {"type": "Affine", "weight": w2, "bias": b2},
        "lif": {"type": "LIF", "tau": np.full(4, TAU), "r": np.full(4, 4.0), "v_leak": np.full(4, leak),
                "v_threshold": np.full(4, 1.0), "v_reset": np.full(4, -0.5)},
        "output": {"type": "Output", "shape": np.array([4])},
    }
    order = ["input", "0", "1", "2", "3", "fc.out", "lif", "output"]
    first, last = Neuron(1, DT * r, threshold=threshold), leaky(4.0, leak, threshold=1.0, reset=-0.5)

    def step(frame):
        hidden = pool_sum(first(conv(frame, w1, b1, (1, 1), (1, 1))), 2)
        return last(w2 @ hidden.ravel() + b2)

    out = run(x, step)
    assert 0.1 < out.mean() < 0.9
    save("cnn", nodes, list(zip(order, order[1:])), x[:, None], {"output": out})


def make_recurrent():
    x = spikes(5)
    w, w_rec = grid(6, 5), grid(6, 6)
    syn = 2.0 ** -9
    neuron = {"type": "CubaLIF", "tau_mem": np.full(6, TAU), "tau_syn": np.full(6, syn), "r": np.full(6, 4.0),
              "v_leak": np.zeros(6), "v_threshold": np.full(6, 0.5), "w_in": np.full(6, 2.0)}
    inner = {"nodes": {"input": {"type": "Input", "shape": np.array([6])}, "lif": neuron,
                       "w_rec": {"type": "Linear", "weight": w_rec},
                       "output": {"type": "Output", "shape": np.array([6])}},
             "edges": [["input", "lif"], ["lif", "w_rec"], ["w_rec", "lif"], ["lif", "output"]]}
    nodes = {"input": {"type": "Input", "shape": np.array([5])}, "fc": {"type": "Linear", "weight": w}, "rnn": inner,
             "output": {"type": "Output", "shape": np.array([6])}}
    cell = leaky(4.0, threshold=0.5, current=(1 - DT / syn, DT / syn * 2.0))
    before = np.zeros(6)

    def step(frame):
        nonlocal before
        before = cell(w @ frame + w_rec @ before)
        return before

    out = run(x, step)
    assert 0.1 < out.mean() < 0.9
    save("recurrent", nodes, [["input", "fc"], ["fc", "rnn"], ["rnn", "output"]], x[:, None], {"output": out},
         version="0.2.0")


def make_parts():
    """One-dimensional convolution, Scale, Threshold, Delay, I, LI, CubaLI, AvgPool2d, a residual, an edge twice."""
    x = spikes(2, 9)
    w, b = grid(3, 2, 3), np.abs(grid(3))
    scale = rng.integers(1, 5, (3, 1, 5)) / 4
    syn = 2.0 ** -9
    every = lambda value: np.full((3, 5), value)
    nodes = {
        "input": {"type": "Input", "shape": np.array([2, 9])},
        "conv": {"type": "Conv1d", "weight": w, "bias": b, "stride": 2, "padding": 1, "dilation": 1, "groups": 1,
                 "input_shape": 9},
        "scale": {"type": "Scale", "scale": scale[:, 0]},
        "li": {"type": "LI", "tau": every(TAU), "r": every(2.0), "v_leak": every(0.5)},
        "cuba": {"type": "CubaLI", "tau_mem": every(TAU), "tau_syn": every(syn), "r": every(1.0), "v_leak": every(0.0),
                 "w_in": every(1.0)},
        "sum": {"type": "I", "r": every(1 / DT)},
        "delay": {"type": "Delay", "delay": every(2 * DT)},
        "threshold": {"type": "Threshold", "threshold": every(0.75)},
        "li_out": {"type": "Output", "shape": np.array([3, 5])},
        "sum_out": {"type": "Output", "shape": np.array([3, 5])},
        "spike_out": {"type": "Output", "shape": np.array([3, 5])},
    }
    edges = [["input", "conv"], ["conv", "scale"], ["scale", "li"], ["scale", "li"], ["scale", "cuba"], ["li", "sum"],
             ["cuba", "sum"], ["sum", "sum_out"], ["li", "li_out"], ["scale", "delay"], ["delay", "threshold"],
             ["threshold", "spike_out"]]
    li, cuba, total = leaky(2.0, 0.5), leaky(1.0, current=(1 - DT / syn, DT / syn)), Neuron(1, 1.0)
    late = [np.zeros((3, 1, 5))] * 2
    found = {"li_out": [], "sum_out": [], "spike_out": []}
    for frame in x.astype("f8"):
        y = conv(frame[:, None], w[:, :, None], b, (1, 2), (0, 1)) * scale
        a, c = li(y), cuba(y)
        found["li_out"].append(a)
        found["sum_out"].append(total(a + c))
        late.append(y)
        found["spike_out"].append((late[-3] > 0.75).astype("f8"))
    assert 0.1 < np.mean(found["spike_out"]) < 0.9
    # volley has images channels last
    outputs = {key: np.stack(value).transpose(0, 2, 3, 1)[:, None] for key, value in found.items()}
    save("parts", nodes, edges, x[:, None, :, None, :], outputs)


make_cnn()
make_recurrent()
make_parts()
