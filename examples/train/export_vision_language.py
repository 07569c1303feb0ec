# Checkpoint of a visual parser to graphs, weights, test pairs and golden values, with its checks.
import argparse
import copy
import os

import numpy as np
import torch

import captions
import exact
import layers
import train_vision_language
import weights_file
from vision_language import TEXT_TOKENS, VISUAL, VisualParser, window_order

GRID_BITS = 8
GOLDEN_PAIRS = 100
APART = {"apart": (0, 1), "apart0": (0,), "apart1": (1,)}  # joint layers without cross-modal blocks
MODEL_NAMES = {True: "ssa", False: "dense"}


def folded(model):
    """A copy with every batch normalisation folded; spiking: rounded to the grid, readout in the simulator's order."""
    model = copy.deepcopy(model).eval()
    layers.fold(model, GRID_BITS if model.spiking else None)
    model.ordered = model.spiking
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model


def restore(path):
    checkpoint = torch.load(path)
    model = VisualParser(checkpoint["model"] == "ssa")
    model.load_state_dict(checkpoint["state"])
    return model.eval(), checkpoint


def in_graph_order(node, spikes):
    """Nodes of a windowed block see the tokens window by window."""
    for index, shift in enumerate(VISUAL):
        if shift is not None and node.startswith(f"visual{index}."):
            return spikes[:, :, window_order(shift)]
    return spikes


def recorded(model, image, tokens):
    found = {}
    return model(image, tokens, exact.recorder(found)), found


def exactness(model, image, tokens, batch=100):
    """Spikes and logits that differ between float32 and float64, of how many spikes."""
    double = copy.deepcopy(model).double()
    differing = {"spikes": 0, "of": 0, "predictions": 0}
    for i in range(0, len(image), batch):
        logits, single = recorded(model, image[i:i + batch], tokens[i:i + batch])
        wide, wide_spikes = recorded(double, image[i:i + batch].double(), tokens[i:i + batch])
        differing["spikes"] += exact.count(single, wide_spikes)
        differing["of"] += sum(spikes.numel() for spikes in single.values())
        differing["predictions"] += (logits.argmax(1) != wide.argmax(1)).sum().item()
    return differing


def golden(model, image, tokens):
    """Logits (dense: in float64), those of the graphs with zeroed blocks, and checksums of all spikes."""
    arrays = {}
    for name, apart in {"logits": (), **APART}.items():
        model.set_apart(apart)
        if model.spiking:
            logits, found = recorded(model, image, tokens)
        else:
            logits, found = copy.deepcopy(model).double()(image.double(), tokens).float(), {}
        arrays[name if name == "logits" else "logits_" + name] = logits.numpy()
        if name == "logits":
            for node, spikes in found.items():
                steps = in_graph_order(node, spikes).numpy()
                arrays["crc/" + node] = np.array([exact.spike_checksum([step == 1]) for step in steps], np.uint32)
                arrays["count/" + node] = np.array([np.count_nonzero(step) for step in steps], np.int64)
    model.set_apart(())
    return arrays


def graph_file(graph, name, weights, comment):
    """Two inputs, one output; see graph_text.Graph.file for one input."""
    image = " ".join(f'shape {{ axis: "{axis}" size: {size} }}' for axis, size in (("C", 1), ("Y", 8), ("X", 8)))
    return ("".join(f"# {line}\n" for line in comment)
            + f'format_version: 1\nname: "{name}"\nweights: "{weights}"\n'
            + f'input {{\n  name: "image" form: DENSE per_step: false\n  {image}\n}}\n'
            + 'input {\n  name: "tokens" form: DENSE per_step: false\n'
            + f'  shape {{ axis: "N" size: {TEXT_TOKENS} }}\n}}\n'
            + "\n".join(graph.text) + '\noutput { name: "logits" from: "itm" }\n')


def write(model, checkpoint, accuracies, folder):
    name = MODEL_NAMES[model.spiking]
    kind = "Spiking visual parser, SSA, T = 4" if model.spiking else "Dense visual parser, softmax"
    os.makedirs(folder, exist_ok=True)
    graph = model.write()
    values = {"seed": str(checkpoint["seed"]), "epochs": str(checkpoint["epochs"]), "rate": str(checkpoint["rate"]),
              "grid": f"2^-{GRID_BITS}" if model.spiking else "none", "images": str(checkpoint["images"])}
    weights_file.save(os.path.join(folder, name + ".safetensors"),
                      {key: tensor.numpy() for key, tensor in graph.weights.items()}, values)
    for suffix, apart in {"": (), **APART}.items():
        about = f"{kind}: does the caption belong to the image? 1: yes."
        if apart:
            about = f"{kind}; cross-modal blocks of attention zeroed in joint {' and '.join(map(str, apart))}."
        full = name + ("_" + suffix if suffix else "")
        comment = [about, f"Digits with generated captions; trained on {checkpoint['images']} training images, "
                   f"seed {checkpoint['seed']}.", f"Test accuracy {accuracies[suffix]:.2f} % of 718 pairs."]
        with open(os.path.join(folder, full + ".txtpb"), "w") as file:
            file.write(graph_file(model.write(apart), "vision_language_" + full, name + ".safetensors", comment))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint")
    parser.add_argument("--folder", help="where graphs and weights go; without it only the checks run")
    parser.add_argument("--golden", default="tests/golden/vision_language")
    args = parser.parse_args()
    _, judge = train_vision_language.data(False)
    image, tokens, label, _ = captions.test_pairs(judge[0], judge[2])
    with torch.no_grad():
        model, checkpoint = restore(args.checkpoint)
        print(f"{checkpoint['model']} seed {checkpoint['seed']}: trained "
              f"{train_vision_language.accuracy(model, image, tokens, label):.2f} %")
        model = folded(model)
        accuracies = {}
        for suffix, apart in {"": (), **APART}.items():
            model.set_apart(apart)
            accuracies[suffix] = train_vision_language.accuracy(model, image, tokens, label)
            print(f"  exported{' ' + suffix if suffix else ''} {accuracies[suffix]:.2f} %")
        model.set_apart(())
        if model.spiking:
            print(f"  rounded to 2^-{GRID_BITS}, float32 against float64, that differ:", exactness(model, image, tokens))
        if not args.folder:
            return
        write(model, checkpoint, accuracies, args.folder)
        np.savez_compressed(os.path.join(args.folder, "test.npz"), image=image.numpy(),
                            tokens=tokens.numpy().astype(np.int32), labels=label.numpy())
        with open(os.path.join(args.folder, "words.txt"), "w") as file:
            file.write("".join(word + "\n" for word in captions.WORDS))
        os.makedirs(args.golden, exist_ok=True)
        np.savez_compressed(os.path.join(args.golden, MODEL_NAMES[model.spiking] + ".npz"),
                            **golden(model, image[:GOLDEN_PAIRS], tokens[:GOLDEN_PAIRS]))


if __name__ == "__main__":
    main()
