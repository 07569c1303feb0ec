# Golden for weights that are not dyadic: the spikes of every neuron, recorded in a free run.
"""/usr/bin/python3 examples/train/first_flips.py

Every tensor of the shipped spiking twins of the digits is multiplied by 0.9973 in float32, which fills the mantissas, so
sums depend on their order. The simulator is then fed these spikes node by node (tests/unit/models/first_flips_test.cpp).
"""
import os

import numpy as np
import torch

import export
import image_sets
import reference
import weights_file

FACTOR = np.float32(0.9973)
IMAGES = 16


def packed(spikes, ternary):
    """[T S N C] of -1, 0, 1 as bits, bit 0 first: plane of +1, then plane of -1."""
    planes = [spikes == 1] + ([spikes == -1] if ternary else [])
    return np.packbits(np.stack(planes), axis=-1, bitorder="little")


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    _, _, image, _ = image_sets.load("digits", hold_out=False)
    for twin in ("ssa", "bsa"):
        weights, _ = weights_file.load(os.path.join(here, "../digits", twin + ".safetensors"))
        weights = {name: value * FACTOR for name, value in weights.items()}
        arrays = {}

        def record(node, spikes, _):
            arrays["spikes/" + node] = packed(spikes.numpy(), reference.is_ternary(node, twin))

        with torch.no_grad():
            model = reference.Spiking(weights, "digits", twin, export.MAX_SHIFT, record=record)
            arrays["logits"] = model.logits(image[:IMAGES]).numpy()
        path = os.path.join(here, "../../tests/golden/twins", f"digits_{twin}_not_dyadic.npz")
        np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    main()
