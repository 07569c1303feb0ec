# Checks an exported spiking twin: against its module, float32 against float64, accuracy, rates.
import numpy as np
import torch

import reference

BATCH = 100


def batches(image):
    return (slice(i, i + BATCH) for i in range(0, len(image), BATCH))


def recorder(found):
    def record(node, spikes, h=None):
        found[node] = (spikes.to(torch.int8), h)
        return spikes
    return record


def against_module(model, weights, dataset, twin, max_shift, image):
    """Predictions and spikes in which the folded, unrounded weights and the module differ in a free run."""
    folded = {name: value.astype(np.float32) for name, value in weights.items()}
    model.eval()
    differing = {"predictions": 0, "spikes": 0, "of": 0, "largest logit difference": 0.0}
    for part in batches(image):
        module_spikes, spikes = {}, {}
        with torch.no_grad():
            logits = model(image[part], recorder(module_spikes))
        run = reference.Spiking(folded, dataset, twin, max_shift, record=recorder(spikes))
        again = run.logits(image[part])
        differing["predictions"] += (logits.argmax(1) != again.argmax(1)).sum().item()
        farthest = (logits - again).abs().max().item()
        differing["largest logit difference"] = max(differing["largest logit difference"], farthest)
        for node, (spike, _) in spikes.items():
            differing["spikes"] += (spike != module_spikes[node][0]).sum().item()
            differing["of"] += spike.numel()
    return differing


def exactness(weights, dataset, twin, max_shift, image, label):
    """Runs the rounded weights in float32 and float64. Returns accuracy [%], how many spikes, membranes,
    values of X and readouts differ (0 when no sum was rounded), and the rate of each neuron node."""
    hits, counts, sizes = 0, {}, {}
    differing = {"spikes": 0, "membranes": 0, "stream": 0, "readout": 0}
    for part in batches(image):
        single, double = {}, {}
        run32 = reference.Spiking(weights, dataset, twin, max_shift, record=recorder(single))
        run64 = reference.Spiking(weights, dataset, twin, max_shift, torch.float64, recorder(double))
        stream32, stream64 = run32.stream(image[part]), run64.stream(image[part])
        mean = reference.readout_mean(stream32)
        logits = reference.ordered_linear(mean, run32.weights["head.weight"], run32.weights["head.bias"])
        hits += (logits.argmax(1) == label[part]).sum().item()
        differing["stream"] += (stream32.double() != stream64).sum().item()
        exact_mean = stream64.sum((0, 2)).float() * (torch.ones(()) / stream64[:, 0, :, 0].numel())
        differing["readout"] += (mean != exact_mean).sum().item()
        for node, (spike, h) in single.items():
            differing["spikes"] += (spike != double[node][0]).sum().item()
            differing["membranes"] += (h.double() != double[node][1]).sum().item()
            counts[node] = counts.get(node, 0) + spike.count_nonzero().item()
            sizes[node] = sizes.get(node, 0) + spike.numel()
    return 100 * hits / len(label), differing, {node: counts[node] / sizes[node] for node in counts}


def dense_accuracy(weights, dataset, image, label):
    hits = sum((reference.dense_logits(weights, dataset, image[part]).argmax(1) == label[part]).sum().item()
               for part in batches(image))
    return 100 * hits / len(label)
