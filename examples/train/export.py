# Checkpoint to graph (.txtpb), weights (.safetensors) and golden (.npz), with its checks.
import argparse
import os

import numpy as np
import torch

import fold
import graph_text
import image_sets
import reference
import train
import twins
import verify
import weights_file

MAX_SHIFT = 8  # Shiftmax entries 2^-n with n above it are 0
GOLDEN_IMAGES = 500
GRID_BITS = {"digits": 8, "fashion": 6}  # the finest of 6 and 8 at which float32 rounds nothing
SPLIT_TEXT = {
    "digits": "digits.npz, stratified 80/20 with split seed 0; trained on {images} of 1438 training images",
    "fashion": "official split; trained on {images} of 60000 training images",
}
SAVED_TEXT = {
    "dense": "Dense twin: pre-LayerNorm, softmax, GELU; arbitrary float32 weights.",
    "ssa": "Spiking twin with SSA attention, binary spikes, T = 4; batch normalisation is folded.",
    "bsa": "Spiking twin with BSA attention, ternary q and k, T = 4; batch normalisation is folded.",
}


def restore(checkpoint):
    model = twins.build(checkpoint["dataset"], checkpoint["twin"], MAX_SHIFT)
    model.load_state_dict(checkpoint["state"])
    return model.eval()


def check_and_round(model, checkpoint, grid_bits, image, label):
    """(exported weights, accuracy of the exported weights); prints what was found."""
    dataset, twin = checkpoint["dataset"], checkpoint["twin"]
    weights = fold.named_weights(model, twin)
    print(f"{dataset} {twin} seed {checkpoint['seed']}: trained {train.accuracy(model, image, label):.2f} %")
    if twin == "dense":
        weights = {name: value.astype(np.float32) for name, value in weights.items()}
        return weights, verify.dense_accuracy(weights, dataset, image, label)
    print("  folded, not rounded, against the module:",
          verify.against_module(model, weights, dataset, twin, MAX_SHIFT, image[:GOLDEN_IMAGES]))
    weights = fold.rounded(weights, grid_bits)
    accuracy, differing, rates = verify.exactness(weights, dataset, twin, MAX_SHIFT, image, label)
    print(f"  rounded to 2^-{grid_bits}, float32 against float64, values that differ: {differing}")
    print("  rates:", " ".join(f"{node} {rate:.3f}" for node, rate in rates.items()))
    return weights, accuracy


def write(weights, checkpoint, accuracy, grid_bits, folder, golden_folder, image):
    dataset, twin, seed = checkpoint["dataset"], checkpoint["twin"], checkpoint["seed"]
    split = SPLIT_TEXT[dataset].format(images=checkpoint["images"])
    metadata = {"dataset": dataset, "twin": twin, "seed": str(seed), "split": split,
                "accuracy": f"{accuracy:.2f} % of {len(image)} test images",
                "grid": "none" if twin == "dense" else f"2^-{grid_bits}"}
    weights_file.save(os.path.join(folder, twin + ".safetensors"), weights, metadata)
    comment = [f"{SAVED_TEXT[twin]}", f"{split}; seed {seed}.", f"Test accuracy {metadata['accuracy']}."]
    if twin != "dense":
        comment.append(f"Weights are multiples of {metadata['grid']}: float32 is exact up to the readout.")
    with open(os.path.join(folder, twin + ".txtpb"), "w") as file:
        file.write(graph_text.graph_text(dataset, twin, MAX_SHIFT, comment))
    arrays = reference.golden(weights, dataset, twin, MAX_SHIFT, image[:GOLDEN_IMAGES])
    np.savez_compressed(os.path.join(golden_folder, f"{dataset}_{twin}.npz"), **arrays)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint")
    parser.add_argument("--grid_bits", type=int)
    parser.add_argument("--folder", help="where graph and weights go; without it only the checks run")
    parser.add_argument("--golden", default="tests/golden/twins")
    args = parser.parse_args()
    checkpoint = torch.load(args.checkpoint)
    grid_bits = args.grid_bits or GRID_BITS[checkpoint["dataset"]]
    _, _, image, label = image_sets.load(checkpoint["dataset"], hold_out=False)
    with torch.no_grad():
        weights, accuracy = check_and_round(restore(checkpoint), checkpoint, grid_bits, image, label)
        print(f"  exported {accuracy:.2f} %")
        if args.folder:
            write(weights, checkpoint, accuracy, grid_bits, args.folder, args.golden, image)


if __name__ == "__main__":
    main()
