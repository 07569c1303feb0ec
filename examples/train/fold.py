# Turns a trained module into the named weights of its graph.
import numpy as np


def named_weights(model, twin):
    """"<node>.<slot>" to float64 arrays; batch normalisation folded into the Linear before it."""
    weights = {"position.weight": model.position}
    put(weights, "embed", model.embed)
    put(weights, "head", model.head)
    if twin == "dense":
        put(weights, "norm", model.norm)
    neuron_follows = {"dense": (), "ssa": ("q", "k", "v"), "bsa": ("q", "k")}[twin]
    for index, block in enumerate(model.blocks):
        for name, layer in block.named_children():
            suffix = ".linear" if name in neuron_follows else ""
            put(weights, f"block{index}.{name}{suffix}", layer)
    return {name: value.detach().double().numpy() for name, value in weights.items()}


def put(weights, node, layer):
    weight, bias = layer.folded() if hasattr(layer, "folded") else (layer.weight, layer.bias)
    weights[node + ".weight"], weights[node + ".bias"] = weight, bias


def rounded(weights, grid_bits):
    """To multiples of 2^-grid_bits; float32 holds them exactly."""
    scale = 2.0 ** grid_bits
    return {name: (np.round(value * scale) / scale).astype(np.float32) for name, value in weights.items()}
