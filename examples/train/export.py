# Checkpoint to graph (.txtpb), weights (.safetensors) and golden (.npz), with its checks.
import argparse
import copy
import os

import numpy as np
import torch

import exact
import image_sets
import layers
import train
import twins
import weights_file

GOLDEN_IMAGES = 500


def restore(checkpoint):
    """The trained model of a checkpoint."""
    model, _ = twins.build(checkpoint["dataset"], checkpoint["mechanism"], checkpoint["settings"])
    model.load_state_dict(checkpoint["state"])
    return model.eval()


def folded(model, grid_bits):
    """A copy with every batch normalisation folded; spiking: rounded to the grid (None: not), ordered readout."""
    model = copy.deepcopy(model).eval()
    layers.fold(model, grid_bits if model.spiking else None)
    model.ordered = model.spiking
    return model


def load(path, dataset, names, settings=None, factor=1.0):
    """The folded model with the weights of an exported .safetensors, times `factor`."""
    model = folded(twins.build(dataset, names, settings or {})[0], None)
    stored, _ = weights_file.load(path)
    for name, tensor in model.write().weights.items():
        tensor.data.copy_(torch.from_numpy(stored.pop(name) * np.float32(factor)))
    assert not stored, f"{path} has tensors that the model lacks: {sorted(stored)}"
    for name, tensor in model.write().weights.items():
        tensor.requires_grad_(False)
    return model


def checked(model, image, grid_bits):
    """(exported model, is float32 exact); prints what was found."""
    exported = folded(model, grid_bits)
    if not model.spiking:
        return exported, False
    print("  folding changes", exact.changes(model, folded(model, None), image[:GOLDEN_IMAGES]))
    differing, rates = exact.exactness(exported, image)
    print(f"  rounded to 2^-{grid_bits}, float32 against float64, values that differ: {differing}")
    print("  rates:", " ".join(f"{node} {rate:.3f}" for node, rate in rates.items()))
    return exported, not any(differing.values())


def metadata(checkpoint, name, grid, split, accuracy):
    values = {"dataset": checkpoint["dataset"], "twin": name, "seed": str(checkpoint["seed"]), "split": split,
              "accuracy": accuracy, "grid": grid}
    if checkpoint["settings"]:
        values["settings"] = " ".join(f"{key}={value}" for key, value in checkpoint["settings"].items())
    return values


def write(model, checkpoint, name, values, folder, is_exact):
    about = (f"Spiking twin with {model.about}, T = {model.full_steps}; batch normalisation is folded." if model.spiking
             else f"Dense twin: pre-LayerNorm, {model.about}, GELU; arbitrary float32 weights.")
    comment = [about, f"{values['split']}; seed {values['seed']}.", f"Test accuracy {values['accuracy']}."]
    if "settings" in values:
        comment.append(f"Settings: {values['settings']}.")
    if is_exact:
        comment.append(f"Weights are multiples of {values['grid']}: float32 is exact up to the readout.")
    graph = model.write()
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name + ".txtpb"), "w") as file:
        file.write(graph.file(f"{checkpoint['dataset']}_{name}", name + ".safetensors", model.shape.side, comment))
    weights = {key: tensor.detach().numpy() for key, tensor in graph.weights.items()}
    weights_file.save(os.path.join(folder, name + ".safetensors"), weights, values)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint")
    parser.add_argument("--folder", help="where graph and weights go; without it only the checks run")
    parser.add_argument("--name", help="of the files; the mechanism's unless said")
    parser.add_argument("--grid_bits", type=int)
    parser.add_argument("--golden", default="tests/golden/twins")
    parser.add_argument("--golden_images", type=int, default=GOLDEN_IMAGES)
    args = parser.parse_args()
    checkpoint = torch.load(args.checkpoint)
    dataset, name = checkpoint["dataset"], args.name or checkpoint["mechanism"]
    images = image_sets.find(dataset)
    grid_bits = args.grid_bits or images.grid_bits
    _, _, image, label = images.load(False)
    with torch.no_grad():
        model = restore(checkpoint)
        print(f"{dataset} {name} seed {checkpoint['seed']}: trained {train.accuracy(model, image, label):.2f} %")
        model, is_exact = checked(model, image, grid_bits)
        accuracy = train.accuracy(model, image, label)
        print(f"  exported {accuracy:.2f} %")
        if not args.folder:
            return
        values = metadata(checkpoint, name, f"2^-{grid_bits}" if model.spiking else "none",
                          images.split.format(images=checkpoint["images"]),
                          f"{accuracy:.2f} % of {len(image)} test images")
        write(model, checkpoint, name, values, args.folder, is_exact)
        if args.golden:
            arrays = exact.golden(model, image[:args.golden_images], is_exact)
            np.savez_compressed(os.path.join(args.golden, f"{dataset}_{name}.npz"), **arrays)


if __name__ == "__main__":
    main()
