# Writes a model's graph as readable text protobuf, and gathers its weights.


class Graph:
    """Nodes in order; `weights` holds the tensors by "<node>.<slot>", `levels` the spikes that a neuron can
    give, one plane of bits each in a golden file."""

    def __init__(self):
        self.text, self.weights, self.levels = [], {}, {}

    def node(self, name, op, inputs, attributes=None, weights=None):
        """Adds a node, returns its name. A source "node:output" reads a named output."""
        attributes, weights = attributes or {}, weights or {}
        lines = [f'name: "{name}" op: "{op}"', " ".join(f'in {{ from: "{source}" }}' for source in inputs)]
        pieces = [attribute(key, value) for key, value in attributes.items()]
        lines += [" ".join(pieces[i:i + 3]) for i in range(0, len(pieces), 3)]
        lines += [f'weight {{ slot: "{slot}" tensor: "{name}.{slot}" }}' for slot in weights]
        self.text.append("node {\n" + "".join(f"  {line}\n" for line in lines) + "}")
        self.weights.update({f"{name}.{slot}": tensor for slot, tensor in weights.items()})
        if op.startswith("neuron."):
            top = attributes["levels"] if op == "neuron.graded" else 1
            self.levels[name] = (1, -1) if op == "neuron.ternary" else tuple(range(1, top + 1))
        return name

    def linear(self, name, source, layer):
        """layer: nn.Linear, or anything with weight [O C] and bias [O] (or no bias)."""
        weights = {"weight": layer.weight}
        if layer.bias is not None:
            weights["bias"] = layer.bias
        return self.node(name, "linear", [source], weights=weights)

    def lif(self, name, source, threshold=1, tau=2):
        return self.node(name, "neuron.lif", [source], {
            "tau": tau, "threshold": threshold, "reset_value": 0, "reset": "hard", "decay_input": True, "fire": "ge"})

    def ternary(self, name, source, threshold, tau=0.5):
        return self.node(name, "neuron.ternary", [source],
                         {"form": "tsn", "tau": tau, "threshold": threshold, "reset_value": 0})

    def graded(self, name, source, levels=4, beta=0.25):
        return self.node(name, "neuron.graded", [source], {"beta": beta, "levels": levels})

    def add(self, name, first, second):
        return self.node(name, "merge.add", [first, second])

    def norm(self, name, source, layer):
        return self.node(name, "layer_norm", [source], {"eps": layer.eps},
                         {"weight": layer.weight, "bias": layer.bias})

    def file(self, name, weights_file, side, comment):
        """The whole file; `comment` lines stand at its top. The last node gives the logits."""
        extents = " ".join(f'shape {{ axis: "{axis}" size: {size} }}'
                           for axis, size in (("C", 1), ("Y", side), ("X", side)))
        top = "".join(f"# {line}\n" for line in comment)
        top += (f'format_version: 1\nname: "{name}"\nweights: "{weights_file}"\n'
                f'input {{\n  name: "image" form: DENSE per_step: false\n  {extents}\n}}\n')
        return top + "\n".join(self.text) + '\noutput { name: "logits" from: "head" }\n'


def attribute(name, value):
    if isinstance(value, bool):
        return f'attr {{ name: "{name}" flag: {str(value).lower()} }}'
    if isinstance(value, str):
        return f'attr {{ name: "{name}" text: "{value}" }}'
    if isinstance(value, (list, tuple)):
        return f'attr {{ name: "{name}" list: [{", ".join(f"{number:.9g}" for number in value)}] }}'
    return f'attr {{ name: "{name}" number: {value:.9g} }}'
