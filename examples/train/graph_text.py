# Writes a twin's graph as readable text protobuf.
import twins

LIF = {"tau": 2, "threshold": 1, "reset_value": 0, "reset": "hard", "decay_input": True, "fire": "ge"}
LIF_SSA_OUT = dict(LIF, threshold=twins.SSA_OUT_THRESHOLD)
TSN_QK = {"form": "tsn", "tau": twins.TSN_TAU, "threshold": twins.QK_THRESHOLD, "reset_value": 0}
TSN_OUT = dict(TSN_QK, threshold=twins.BSA_OUT_THRESHOLD)
DENSE_ATTENTION, SSA, BSA = "attention.softmax", "attention.ssa", "attention.bipolar"


class GraphText:
    def __init__(self):
        self.text = []

    def node(self, name, op, inputs, attributes=None, slots=()):
        """Adds a node, returns its name."""
        lines = [f'name: "{name}" op: "{op}"', " ".join(f'in {{ from: "{source}" }}' for source in inputs)]
        pieces = [attribute(key, value) for key, value in (attributes or {}).items()]
        lines += [" ".join(pieces[i:i + 3]) for i in range(0, len(pieces), 3)]
        lines += [f'weight {{ slot: "{slot}" tensor: "{name}.{slot}" }}' for slot in slots]
        self.text.append("node {\n" + "".join(f"  {line}\n" for line in lines) + "}")
        return name

    def linear(self, name, source):
        return self.node(name, "linear", [source], slots=("weight", "bias"))

    def lif(self, name, source, attributes=LIF):
        return self.node(name, "neuron.lif", [source], attributes)

    def ternary(self, name, source, attributes):
        return self.node(name, "neuron.ternary", [source], attributes)

    def add(self, name, first, second):
        return self.node(name, "merge.add", [first, second])

    def norm(self, name, source):
        return self.node(name, "layer_norm", [source], {"eps": 1e-5}, ("weight", "bias"))


def attribute(name, value):
    if isinstance(value, bool):
        return f'attr {{ name: "{name}" flag: {str(value).lower()} }}'
    if isinstance(value, str):
        return f'attr {{ name: "{name}" text: "{value}" }}'
    return f'attr {{ name: "{name}" number: {value:g} }}'


def dense_block(graph, x, name, heads):
    z = graph.norm(name + ".norm1", x)
    q, k, v = (graph.linear(f"{name}.{letter}", z) for letter in "qkv")
    y = graph.node(name + ".attn", DENSE_ATTENTION, [q, k, v], {"heads": heads})
    x = graph.add(name + ".add", x, graph.linear(name + ".proj", y))
    z = graph.linear(name + ".fc1", graph.norm(name + ".norm2", x))
    z = graph.node(name + ".gelu", "gelu", [z])
    return graph.add(name + ".mlp.add", x, graph.linear(name + ".fc2", z))


def ssa_attention(graph, z, name, heads):
    q, k, v = (graph.lif(f"{name}.{letter}", graph.linear(f"{name}.{letter}.linear", z))
               for letter in "qkv")
    y = graph.node(name + ".attn", SSA, [q, k, v], {"heads": heads, "scale": 0.125, "order": "qk_v"})
    return graph.lif(name + ".attn.lif", y, LIF_SSA_OUT)


def bsa_attention(graph, z, name, heads, max_shift):
    q, k = (graph.ternary(f"{name}.{letter}", graph.linear(f"{name}.{letter}.linear", z), TSN_QK)
            for letter in "qk")
    v = graph.linear(name + ".v", z)
    y = graph.node(name + ".attn", BSA, [q, k, v], {"heads": heads, "max_shift": max_shift})
    return graph.ternary(name + ".attn.tsn", y, TSN_OUT)


def spiking_block(graph, x, name, twin, heads, max_shift):
    z = graph.lif(name + ".lif", x)
    if twin == "ssa":
        y = ssa_attention(graph, z, name, heads)
    else:
        y = bsa_attention(graph, z, name, heads, max_shift)
    x = graph.add(name + ".add", x, graph.linear(name + ".proj", y))
    z = graph.lif(name + ".fc1.lif", graph.linear(name + ".fc1", graph.lif(name + ".mlp.lif", x)))
    return graph.add(name + ".mlp.add", x, graph.linear(name + ".fc2", z))


def graph_text(dataset, twin, max_shift, comment):
    """The whole file; `comment` lines stand at its top."""
    shape = twins.SHAPES[dataset]
    graph = GraphText()
    x = graph.node("patches", "layout.patches", ["image"], {"patch": shape.patch})
    x = graph.node("position", "embed.position", [graph.linear("embed", x)], slots=("weight",))
    if twin != "dense":
        x = graph.node("encode", "encode.direct", [x])
    for index in range(shape.depth):
        name = f"block{index}"
        x = (dense_block(graph, x, name, shape.heads) if twin == "dense"
             else spiking_block(graph, x, name, twin, shape.heads, max_shift))
    if twin == "dense":
        x = graph.norm("norm", x)
    x = graph.node("readout", "readout.mean", [x], {"axes": "N" if twin == "dense" else "T N"})
    graph.linear("head", x)
    extents = " ".join(f'shape {{ axis: "{axis}" size: {size} }}'
                       for axis, size in (("C", 1), ("Y", shape.side), ("X", shape.side)))
    top = "".join(f"# {line}\n" for line in comment)
    top += (f'format_version: 1\nname: "{dataset}_{twin}"\nweights: "{twin}.safetensors"\n'
            f'input {{\n  name: "image" form: DENSE per_step: false\n  {extents}\n}}\n')
    return top + "\n".join(graph.text) + '\noutput { name: "logits" from: "head" }\n'
