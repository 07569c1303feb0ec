# Checkpoint of a model between datapoints to graph, weights, inputs and golden.
import argparse
import os

import numpy as np
import torch

import breast_cancer
import datapoints
import graph_text
import layers
import lookup
import weights_file

GRID_BITS = 8   # of a spiking model's weights: float32 rounds nothing up to the readout
TABLES, INPUT_SEED = 20, 2000
GOLDEN = "tests/golden/datapoints"
FORMS = {  # small random models for the tests: every form that the block has
    "code": {}, "paper": {"ln": "qkv", "score_scale": "head"}, "post": {"ln": "post", "score_scale": "none"},
    "constant": {"score_norm": "constant", "residual_proj": False},
    "spiking": {"steps": 4}, "spiking_constant": {"steps": 2, "selection": "constant"},
    "spiking_binary": {"steps": 4, "code": "binary"}}
FORM_CLASSES, FORM_ROWS, FORM_TABLES = [0, 3, 0, 2], 7, 3


def write_dense(graph, x, name, block, group):
    """The nodes of a DenseBlock on tokens, group of them seeing each other (0: all); returns the last one."""
    normed = x if block.ln == "post" else graph.norm(name + ".ln0", x, block.ln0)
    source = normed if block.ln == "qkv" else x
    q, k, v = (graph.linear(f"{name}.{letter}", node, getattr(block, letter))
               for letter, node in (("q", normed), ("k", source), ("v", source)))
    if block.score_norm == "softmax":
        y = graph.node(name + ".attn", "attention.softmax", [q, k, v],
                       {"heads": block.heads, "scale": block.scale, "group": group})
    else:
        y = graph.node(name + ".attn", "attention.select", [q, k, v],
                       {"heads": block.heads, "rule": "constant", "group": group})
    residual = graph.linear(name + ".res", x, block.res) if hasattr(block, "res") else x
    residual = graph.add(name + ".add", residual, graph.linear(name + ".mix", y, block.mix))
    normed = graph.norm(name + (".ln0" if block.ln == "post" else ".ln1"), residual,
                        block.ln0 if block.ln == "post" else block.ln1)
    if block.ln == "post":
        residual = normed
    y = graph.node(name + ".gelu", "gelu", [graph.linear(name + ".fc1", normed, block.fc1)])
    y = graph.add(name + ".feed.add", residual, graph.linear(name + ".fc2", y, block.fc2))
    return graph.norm(name + ".ln1", y, block.ln1) if block.ln == "post" else y


def write_spiking(graph, x, name, block, group):
    if block.selection == "shiftmax":
        raise SystemExit("a model with Shiftmax is not exported: attention.bipolar has no groups of columns")
    z = graph.ternary(name + ".spikes", x, 1)
    neuron = graph.ternary if block.code == "bipolar" else graph.lif
    q, k = (neuron(f"{name}.{letter}", graph.linear(f"{name}.{letter}.linear", z, getattr(block, letter)),
                   datapoints.SIGN_THRESHOLD) for letter in "qk")
    v = graph.linear(name + ".v", z, block.v)
    y = graph.node(name + ".attn", "attention.select", [q, k, v],
                   {"heads": block.heads, "rule": block.selection, "group": group})
    y = graph.linear(name + ".mix", graph.ternary(name + ".attn.spikes", y, 1), block.mix)
    x = graph.add(name + ".add", x, y)
    z = graph.linear(name + ".fc1", graph.ternary(name + ".feed.spikes", x, 1), block.fc1)
    return graph.add(name + ".feed.add", x, graph.linear(name + ".fc2", graph.lif(name + ".fc1.lif", z), block.fc2))


def write(model, rows, target, standardise):
    """The graph; only the target column is read out."""
    graph, embed = graph_text.Graph(), model.embed
    columns = len(embed.classes)
    weights = {"weight": embed.weight, "bias": embed.bias, "index": embed.index}
    if embed.kind is not None:
        weights["type"] = embed.kind
    if standardise:
        weights.update(mean=embed.mean, deviation=embed.deviation)
    x = graph.node("embed", "embed.columns", ["values", "mask"], {"classes": embed.classes}, weights)
    if model.steps:
        x = graph.node("encode", "encode.direct", [x])
    for i, block in enumerate(model.blocks):
        name, is_between_rows = f"block{i}", i % 2 == 0
        x = graph.node(name + ".tokens", "layout.rows_to_tokens" if is_between_rows else "layout.tokens", [x])
        x = (write_spiking if model.steps else write_dense)(graph, x, name, block, 0 if is_between_rows else columns)
        if is_between_rows:
            x = graph.node(name + ".rows", "layout.tokens_to_rows", [x], {"columns": columns})
        else:
            x = graph.node(name + ".rows", "layout.image", [x], {"height": rows, "width": columns})
    if model.steps:
        x = graph.node("mean", "readout.mean", [x], {"axes": "T"})
    sizes = model.readout.sizes
    first = sum(sizes[:target])
    graph.node("head", "readout.columns", [x], {"outputs": [sizes[j] if j == target else 0 for j in range(columns)]},
               {"weight": model.readout.weight[first:first + sizes[target]],
                "bias": model.readout.bias[first:first + sizes[target]]})
    return graph


def graph_file(graph, name, weights, rows, columns, comment):
    extents = f'shape {{ axis: "Y" size: {rows} }} shape {{ axis: "X" size: {columns} }}'
    inputs = "".join(f'input {{\n  name: "{each}" form: DENSE per_step: false\n  {extents}\n}}\n'
                     for each in ("values", "mask"))
    top = "".join(f"# {line}\n" for line in comment)
    return (f'{top}format_version: 1\nname: "{name}"\nweights: "{weights}"\n{inputs}' + "\n".join(graph.text)
            + '\noutput { name: "logits" from: "head" }\n')


def arrays_of(graph):
    return {key: np.ascontiguousarray(value.detach().numpy()) for key, value in graph.weights.items()}


def ordered_readout(model, values, mask, target):
    """The target's numbers, each sum in the order of the channels; of a dense model in float64."""
    kept = {}
    hook = model.readout.register_forward_pre_hook(lambda _, inputs: kept.update(x=inputs[0]))
    if not model.steps:
        model.double()
        values, mask = values.double(), mask.double()
    model(values, mask)
    hook.remove()
    sizes = model.readout.sizes
    first = sum(sizes[:target])
    weight, bias = (part[first:first + sizes[target]] for part in (model.readout.weight, model.readout.bias))
    cell = kept["x"][:, target]
    total = torch.zeros(len(cell), len(weight), dtype=cell.dtype)
    for c in range(cell.shape[1]):
        total = total + cell[:, c:c + 1] * weight[:, c]
    total = (total + bias).float()
    model.float()
    return total.numpy()


def lookup_inputs(variant):
    """Tables that were never seen; then the same with 1 added to the target of the first duplicate; then the first ones
    with their rows in another order. order: new row i is old row order[i]."""
    generator = torch.Generator().manual_seed(INPUT_SEED)
    plain, moved, permuted, truths, orders = [], [], [], [], []
    for _ in range(TABLES):
        values, mask, truth = lookup.table(generator, variant)
        changed = values.clone()
        changed[0, lookup.TARGET] += 1
        order = torch.randperm(len(values), generator=generator)
        plain.append((values, mask))
        moved.append((changed, mask))
        permuted.append((values[order], mask[order]))
        truths.append(truth)
        orders.append(order)
    tables = plain + moved + permuted
    return {"values": torch.stack([table[0] for table in tables]).numpy(),
            "mask": torch.stack([table[1] for table in tables]).numpy(),
            "truth": torch.stack(truths).numpy(), "order": torch.stack(orders).numpy().astype(np.int32)}


def breast_cancer_inputs():
    table, train, test = breast_cancer.data()
    return {"values": table[None].numpy(), "mask": breast_cancer.hidden(table, test)[None].numpy(),
            "test": test.numpy().astype(np.int32), "truth": table[test, breast_cancer.TARGET].numpy()}


def write_forms(folder):
    """One graph, weights, input and golden for each of FORMS."""
    columns = len(FORM_CLASSES)
    for seed, (name, form) in enumerate(FORMS.items()):
        torch.manual_seed(seed)
        model = datapoints.Npt(FORM_CLASSES, 4, 2, 2, **form).eval()
        if model.steps:
            layers.fold(model, GRID_BITS)
        shape = (FORM_TABLES, FORM_ROWS)
        numbers = torch.round(torch.randn(shape + (columns,)) * 16) / 16
        values = torch.stack([torch.randint(count, shape).float() if count else numbers[..., j]
                              for j, count in enumerate(FORM_CLASSES)], -1)
        mask = (torch.rand(values.shape) < 0.3).float()
        graph = write(model, FORM_ROWS, columns - 1, standardise=True)
        with open(f"{folder}/{name}.txtpb", "w") as file:
            comment = [f"Random weights: {form}."]
            file.write(graph_file(graph, name, name + ".safetensors", FORM_ROWS, columns, comment))
        weights_file.save(f"{folder}/{name}.safetensors", arrays_of(graph), {})
        logits = [ordered_readout(model, *table, columns - 1) for table in zip(values, mask)]
        np.savez_compressed(f"{folder}/{name}.npz", values=values.numpy(), mask=mask.numpy(), golden=np.stack(logits))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint", nargs="?")
    parser.add_argument("--task", choices=("lookup", "breast_cancer"), default="lookup")
    parser.add_argument("--name", help="of the files")
    parser.add_argument("--folder", default="examples/datapoints")
    parser.add_argument("--forms", help="a folder: write the small models of the tests instead")
    args = parser.parse_args()
    torch.set_grad_enabled(False)
    if args.forms:
        write_forms(args.forms)
        return
    checkpoint = torch.load(args.checkpoint)
    model = datapoints.Npt(**checkpoint["settings"])
    model.load_state_dict(checkpoint["state"])
    model.eval()
    is_lookup = args.task == "lookup"
    if model.steps:
        layers.fold(model, GRID_BITS)
    inputs = lookup_inputs(checkpoint["args"]["variant"]) if is_lookup else breast_cancer_inputs()
    target = lookup.TARGET if is_lookup else breast_cancer.TARGET
    rows, columns = inputs["values"].shape[1:]
    graph = write(model, rows, target, standardise=not is_lookup)
    left_out = ("out", "show", "load", "rows", "measured")
    settings = " ".join(f"{key}={value}" for key, value in sorted(checkpoint["args"].items()) if key not in left_out)
    comment = [("Duplicate look-up on generated tables." if is_lookup else
                "Breast cancer: all 569 rows at once, 171 of them with their class hidden."),
               ("Spiking, T = 4; weights are multiples of 2^-8: float32 is exact up to the readout." if model.steps
                else "Dense; arbitrary float32 weights."), "Trained with " + settings]
    os.makedirs(args.folder, exist_ok=True)
    with open(f"{args.folder}/{args.name}.txtpb", "w") as file:
        file.write(graph_file(graph, args.name, args.name + ".safetensors", rows, columns, comment))
    weights_file.save(f"{args.folder}/{args.name}.safetensors", arrays_of(graph),
                      {"task": args.task, "settings": settings})
    np.savez_compressed(f"{args.folder}/{args.task}.npz", **inputs)
    logits = [ordered_readout(model, torch.from_numpy(values), torch.from_numpy(mask), target)
              for values, mask in zip(inputs["values"], inputs["mask"])]
    os.makedirs(GOLDEN, exist_ok=True)
    np.savez_compressed(f"{GOLDEN}/{args.name}.npz", logits=np.stack(logits))


if __name__ == "__main__":
    main()
