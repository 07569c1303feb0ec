# Golden for weights that are not dyadic: the spikes of every neuron, recorded in a free run.
"""/usr/bin/python3 examples/train/first_flips.py

Every tensor of the shipped spiking twins of the digits is multiplied by 0.9973 in float32, which fills the mantissas, so
sums depend on their order. The simulator is then fed these spikes node by node (tests/unit/models/first_flips_test.cpp).
"""
import os

import numpy as np
import torch

import exact
import export
import image_sets

FACTOR = 0.9973
IMAGES = 16


def packed(spikes, levels):
    """[T S N C] of -1, 0, 1 as bits, bit 0 first: plane of +1, then plane of -1."""
    return np.packbits(np.stack([spikes == level for level in levels]), axis=-1, bitorder="little")


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    _, _, image, _ = image_sets.find("digits").load(False)
    for twin in ("ssa", "bsa"):
        model = export.load(os.path.join(here, "../digits", twin + ".safetensors"), "digits", twin, factor=FACTOR)
        levels, found = model.write().levels, {}
        with torch.no_grad():
            arrays = {"logits": model(image[:IMAGES], exact.recorder(found)).numpy()}
        arrays.update({"spikes/" + node: packed(spikes.numpy(), levels[node]) for node, spikes in found.items()})
        path = os.path.join(here, "../../tests/golden/twins", f"digits_{twin}_not_dyadic.npz")
        np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    main()
