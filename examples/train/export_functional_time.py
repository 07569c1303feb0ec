# Checkpoint of a model of functional time to graph, weights, test set and golden.
import argparse
import os

import numpy as np
import torch

import functional_time
import graph_text
import layers
import weights_file

GRID_BITS = 8  # of a spiking model's weights: float32 rounds no sum
TEST_SEED, TEST_COUNT = 10 ** 6, 500
GOLDEN_COUNT = 40
GOLDEN = "tests/golden/functional_time"


def write_time(graph, encoding):
    """The features of time of all events."""
    if isinstance(encoding, functional_time.Bochner):
        names = {"sin_exponent": encoding.sin_exponent, "cos_exponent": encoding.cos_exponent, "beta": encoding.beta}
        op, attributes = "time.bochner", {"form": "nonparametric", "time_ref": "target_span"}
    else:
        names = {"exponent": encoding.exponent, "coefficient": encoding.coefficient, "bias": encoding.bias}
        op, attributes = "time.mercer", {"form": "summed", "time_ref": "target_span"}
    return graph.node("time", op, ["stamps", "target"], attributes, names)


def write_dense(graph, model):
    width = model.embed.weight.shape[1]
    if isinstance(model.time, functional_time.Position):
        zeros = torch.zeros_like(model.embed.weight)  # [Emb; 0] + [0; position]
        x = graph.node("embed", "embed.table", ["types"], weights={"weight": torch.cat([model.embed.weight, zeros], 1)})
        place = torch.cat([torch.zeros_like(model.time.weight), model.time.weight], 1)
        x = graph.node("position", "embed.position", [x], weights={"weight": place})
    else:
        x = graph.node("embed", "embed.table", ["types"], weights={"weight": model.embed.weight})
        x = graph.node("event", "merge.concat", [x, write_time(graph, model.time)])
    last = graph.node("last", "layout.take_tokens", [x], {"first": functional_time.LENGTH - 1, "count": 1})
    last = graph.norm("ln0", last, model.ln0)
    q = graph.linear("q", last, model.q)
    k, v = graph.linear("k", x, model.k), graph.linear("v", x, model.v)
    a = graph.node("attn", "attention.softmax", [q, k, v], {"heads": 1, "scale": (2 * width) ** -0.5})
    a = graph.norm("ln1", graph.add("attn.add", a, last), model.ln1)
    y = graph.node("fc1.relu", "relu", [graph.linear("fc1", a, model.fc1)])
    return graph.norm("ln2", graph.linear("fc2", y, model.fc2), model.ln2)


def write_spiking(graph, model):
    x = graph.node("embed", "embed.table", ["types"], weights={"weight": model.embed.weight})
    phases = graph.node("phase", "time.phase", ["stamps", "target"],
                        {"time_ref": "target_span", "bits": functional_time.BITS}, {"omega": model.omega})
    x = graph.add("event", x, graph.linear("table", phases, model.table))
    z = graph.lif("event.lif", x)
    last = graph.node("last", "layout.take_tokens", [z], {"first": functional_time.LENGTH - 1, "count": 1})
    q, k, v = (graph.lif(letter, graph.linear(letter + ".linear", source, getattr(model, letter)))
               for letter, source in (("q", last), ("k", z), ("v", z)))
    return graph.node("attn", "attention.ssa", [q, k, v], {"heads": 1, "scale": 0.125, "order": "qk_v"})


def write(model, is_spiking):
    graph = graph_text.Graph()
    x = (write_spiking if is_spiking else write_dense)(graph, model)
    graph.node("logits", "readout.mean", [graph.linear("head", x, model.head)], {"axes": "N"})
    return graph


def graph_file(graph, name, comment):
    length = functional_time.LENGTH
    inputs = [("types", f'shape {{ axis: "N" size: {length} }}')]
    if any('op: "time.' in node for node in graph.text):
        inputs += [("stamps", f'shape {{ axis: "N" size: {length} }} shape {{ axis: "C" size: 1 }}'),
                   ("target", 'shape { axis: "N" size: 1 } shape { axis: "C" size: 1 }')]
    text = "".join(f"# {line}\n" for line in comment)
    text += f'format_version: 1\nname: "functional_time_{name}"\nweights: "{name}.safetensors"\n'
    text += "".join(f'input {{\n  name: "{key}" form: DENSE per_step: false\n  {shape}\n}}\n' for key, shape in inputs)
    return text + "\n".join(graph.text) + '\noutput { name: "logits" from: "logits" }\n'


def load(path):
    if path in functional_time.MODELS:
        return {"state": functional_time.make(path).state_dict(), "args": {"model": path, "updates": 0, "seed": 0}}
    return torch.load(path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint", help="a file, or the name of a model: random weights, for the tests")
    parser.add_argument("--folder", default="examples/functional_time")
    parser.add_argument("--golden", default=GOLDEN)
    parser.add_argument("--count", type=int, default=TEST_COUNT, help="of the test sequences")
    args = parser.parse_args()
    torch.set_grad_enabled(False)
    torch.manual_seed(0)
    checkpoint = load(args.checkpoint)
    name = checkpoint["args"]["model"]
    is_spiking = name == "spiking"
    model = functional_time.make(name)
    model.load_state_dict(checkpoint["state"])
    if is_spiking:
        layers.fold(model, GRID_BITS)
    os.makedirs(args.folder, exist_ok=True)
    os.makedirs(args.golden, exist_ok=True)
    test = functional_time.sequences(args.count, torch.Generator().manual_seed(TEST_SEED))
    graph = write(model, is_spiking)
    settings = " ".join(f"{key}={value}" for key, value in sorted(checkpoint["args"].items()) if key != "out")
    comment = ["Which type has the next event? Generated sequences with planted periods (functional_time.py).",
               "Spiking; weights are multiples of 2^-8: float32 is exact." if is_spiking
               else "Dense; arbitrary float32 weights.", "Trained with " + settings
               if checkpoint["args"]["updates"] else "Random weights: nothing is trained."]
    with open(f"{args.folder}/{name}.txtpb", "w") as file:
        file.write(graph_file(graph, name, comment))
    weights_file.save(f"{args.folder}/{name}.safetensors",
                      {key: np.ascontiguousarray(value.detach().numpy()) for key, value in graph.weights.items()}, {})
    types, stamps, target, wanted = test
    np.savez_compressed(f"{args.folder}/test.npz", types=types.numpy().astype(np.float32),
                        stamps=stamps.unsqueeze(-1).numpy(),
                        target=target.view(-1, 1, 1).numpy(), labels=wanted.numpy().astype(np.int32))
    print(name, f"accuracy {functional_time.accuracy(model, test):.4f} of {args.count} test sequences")
    reference = model if is_spiking else model.double()
    logits = torch.cat([reference(types[i:i + 1], stamps[i:i + 1], target[i:i + 1]) for i in range(GOLDEN_COUNT)])
    np.savez_compressed(f"{args.golden}/{name}.npz", logits=logits.float().numpy())


if __name__ == "__main__":
    main()
