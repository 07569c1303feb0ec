# Small graphs of the token operators alone, with inputs, weights and what PyTorch gives for them.
import argparse
import os

import numpy as np
import torch

import weights_file
from attention import join_heads, split_heads
from graph_text import Graph
from vision_language import GRID, IMAGE_TOKENS, WINDOW, apart_mask, window_mask

SAMPLES, WIDTH, HEADS, WORDS, STEPS = 3, 8, 2, 11, 2
TEXT_TOKENS = 10
SHIFT = 1


def attended(q, k, v, mask, is_spiking):
    """Attention of all tokens under a mask of pairs: no window and no group is cut out."""
    q, k, v = (split_heads(x, HEADS) for x in (q, k, v))
    score = q @ k.transpose(-1, -2)
    if is_spiking:
        return join_heads((score * mask) @ v) * 0.125
    return join_heads(torch.softmax((score * q.shape[-1] ** -0.5).masked_fill(~mask, -torch.inf), -1) @ v)


def spikes(tokens, generator):
    return (torch.rand(STEPS, SAMPLES, tokens, WIDTH, generator=generator) < 0.4).float()


def windowed(op, more, generator):
    """Attention in shifted windows."""
    is_spiking = op == "attention.ssa"
    make = spikes if is_spiking else lambda tokens, g: torch.randn(STEPS, SAMPLES, tokens, WIDTH, generator=g)
    inputs = {name: make(IMAGE_TOKENS, generator) for name in "qkv"}
    graph = Graph()
    sizes = {"height": GRID, "width": GRID, "window": WINDOW, "shift": SHIFT}
    ordered = [graph.node(name + ".windows", "layout.windows", [name], sizes) for name in "qkv"]
    y = graph.node("attn", op, ordered, {"heads": HEADS, "segments": [WINDOW ** 2], **more})
    graph.node("y", "layout.from_windows", [y], sizes)
    wanted = attended(*inputs.values(), window_mask(SHIFT), is_spiking)
    return graph, inputs, "BINARY" if is_spiking else "DENSE", wanted


def apart(op, more, generator):
    """Image and text tokens in one sequence, each modality on its own."""
    image, text = spikes(IMAGE_TOKENS, generator), spikes(TEXT_TOKENS, generator)
    graph = Graph()
    joint = graph.node("joint", "merge.tokens", ["image", "text"])
    graph.node("y", op, [joint] * 3, {"heads": HEADS, "segments": [IMAGE_TOKENS, TEXT_TOKENS], **more})
    both = torch.cat([image, text], 2)
    return graph, {"image": image, "text": text}, "BINARY", attended(both, both, both, apart_mask(), True)


def embedded(generator):
    """Words by index, some of them hidden, the first one left out."""
    tokens = torch.randint(WORDS, (STEPS, SAMPLES, TEXT_TOKENS, 1), generator=generator).float()
    hidden = (torch.rand(tokens.shape, generator=generator) < 0.3).float()
    table = torch.randn(WORDS, WIDTH, generator=generator)
    mask = torch.randn(WIDTH, generator=generator)
    graph = Graph()
    x = graph.node("words", "embed.table", ["tokens"], weights={"weight": table})
    x = graph.node("hidden_words", "embed.mask", [x, "hidden"], weights={"weight": mask})
    graph.node("y", "layout.take_tokens", [x], {"first": 1, "count": TEXT_TOKENS - 1})
    wanted = torch.where(hidden != 0, mask, table[tokens[..., 0].long()])[:, :, 1:]
    return graph, {"tokens": tokens, "hidden": hidden}, "DENSE", wanted


def write(folder, name, about, graph, inputs, form, wanted):
    text = f"# {about}\nformat_version: 1\nname: \"{name}\"\n"
    if graph.weights:
        text += f'weights: "{name}.safetensors"\n'
        weights_file.save(os.path.join(folder, name + ".safetensors"),
                          {key: value.numpy() for key, value in graph.weights.items()}, {})
    for key, value in inputs.items():
        sizes = " ".join(f'shape {{ axis: "{axis}" size: {size} }}' for axis, size in zip("NC", value.shape[2:]))
        text += f'input {{\n  name: "{key}" form: {form} per_step: true\n  {sizes}\n}}\n'
    text += "\n".join(graph.text) + '\noutput { name: "y" from: "y" }\n'
    with open(os.path.join(folder, name + ".txtpb"), "w") as file:
        file.write(text)
    arrays = {key: value.numpy() for key, value in inputs.items()}
    np.savez_compressed(os.path.join(folder, name + ".npz"), **arrays, wanted=wanted.numpy())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", default="tests/data/tokens")
    folder = parser.parse_args().folder
    os.makedirs(folder, exist_ok=True)
    generator = torch.Generator().manual_seed(0)
    ssa = {"scale": 0.125, "order": "qk_v"}
    write(folder, "windowed_ssa", windowed.__doc__, *windowed("attention.ssa", ssa, generator))
    write(folder, "windowed_softmax", windowed.__doc__, *windowed("attention.softmax", {}, generator))
    write(folder, "apart_ssa", apart.__doc__, *apart("attention.ssa", ssa, generator))
    write(folder, "embedded", embedded.__doc__, *embedded(generator))


if __name__ == "__main__":
    main()
