# A folded twin as the reference: is float32 exact in it, and what the simulator must give.
import copy
import zlib

import numpy as np
import torch

import twins

BATCH = 100


def batches(image):
    return (slice(i, i + BATCH) for i in range(0, len(image), BATCH))


def recorder(found):
    def record(node, spikes):
        found[node] = spikes.to(torch.int8)
        return spikes
    return record


def count(a, b):
    """Values that differ, by neuron node of both recordings."""
    return sum((a[node] != b[node]).sum().item() for node in a)


def changes(model, other, image):
    """Predictions and spikes in which two models differ in a free run."""
    differing = {"predictions": 0, "spikes": 0, "of": 0}
    for part in batches(image):
        first, second = {}, {}
        a, b = model(image[part], recorder(first)), other(image[part], recorder(second))
        differing["predictions"] += (a.argmax(1) != b.argmax(1)).sum().item()
        differing["spikes"] += count(first, second)
        differing["of"] += sum(spikes.numel() for spikes in first.values())
    return differing


def exactness(model, image):
    """Runs a spiking model in float32 and float64. Returns how many spikes, values of X and readouts differ (0
    when no sum was rounded), and the rate of each neuron."""
    double = copy.deepcopy(model).double()
    counts, sizes = {}, {}
    differing = {"spikes": 0, "stream": 0, "readout": 0}
    for part in batches(image):
        single_spikes, double_spikes = {}, {}
        stream32 = model.stream(image[part], recorder(single_spikes))
        stream64 = double.stream(image[part].double(), recorder(double_spikes))
        differing["spikes"] += count(single_spikes, double_spikes)
        differing["stream"] += (stream32.double() != stream64).sum().item()
        exact_mean = stream64.sum((0, 2)).float() * (torch.ones(()) / stream64[:, 0, :, 0].numel())
        differing["readout"] += (twins.readout_mean(stream32) != exact_mean).sum().item()
        for node, spikes in single_spikes.items():
            counts[node] = counts.get(node, 0) + spikes.count_nonzero().item()
            sizes[node] = sizes.get(node, 0) + spikes.numel()
    return differing, {node: counts[node] / sizes[node] for node in counts}


def spike_checksum(planes):
    """CRC32 of one step: each plane [S N C] of booleans as rows of bits, bit 0 first, C padded to bytes."""
    crc = 0
    for plane in planes:
        rows = plane.reshape(-1, plane.shape[-1])
        crc = zlib.crc32(np.packbits(rows, axis=1, bitorder="little").tobytes(), crc)
    return crc


def golden(model, image, with_spikes):
    """Arrays of a golden file: logits, and for each neuron its checksum and spike count at each step. Without
    spikes (dense, or float32 is not exact) logits in float64."""
    if not with_spikes:
        return {"logits": copy.deepcopy(model).double()(image.double()).float().numpy()}
    arrays, found = {}, {}
    arrays["logits"] = model(image, recorder(found)).numpy()
    levels = model.write().levels
    for node, spikes in found.items():
        steps = spikes.numpy()
        checksums = [spike_checksum([step == level for level in levels[node]]) for step in steps]
        arrays["crc/" + node] = np.array(checksums, np.uint32)
        arrays["count/" + node] = np.array([np.count_nonzero(step) for step in steps], np.int64)
    return arrays
