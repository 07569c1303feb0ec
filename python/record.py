# Records what a PyTorch model computes, for `volley verify`. Copy it beside your code; it needs torch and numpy.
"""with Recorder(model) as recorder:            # or Recorder(model, names={"net.lif1": "lif1@TBDN", "net.fc": "fc"})
       logits = model(x)
   recorder.save("golden.npz", inputs={"image": x}, outputs={"logits": logits})

Neurons are found by the name of their class (SpikingJelly, snnTorch and what ends in "Node" or "LIF"); `names` adds
modules, renames them as in the graph, says the order of axes behind an @ ("lif1@TBDN"), or leaves one out (None).
A module that is called once gives its value as it is, [T S ...]; one that is called in each step is stacked along T.
Record a single forward pass; reset the neurons before it.
"""
import re

import numpy as np
import torch

NEURONS = re.compile(r".*(Node|LIF|Lif)|Leaky|Synaptic|Lapicque|Alpha|RLeaky|RSynaptic|SLSTM|SConv2dLSTM")


def numbers(value):
    """The first tensor of what a module returns, as small an array as holds it: spikes are int8."""
    while not isinstance(value, torch.Tensor):
        value = value[0]
    array = value.detach().cpu().numpy().astype(np.float32)
    small = array.astype(np.int8)
    return small if np.array_equal(small, array) else array


class Recorder:
    def __init__(self, model, names=None):
        self.calls, self.handles, names = {}, [], dict(names or {})
        for name, module in model.named_modules():
            is_neuron = bool(NEURONS.fullmatch(type(module).__name__))
            node = names.pop(name, name if is_neuron else None)
            if node is not None:
                self.handles.append(module.register_forward_hook(self.hook(node)))
        if names:
            raise ValueError(f"the model has no module {', '.join(names)}")

    def hook(self, node):
        return lambda module, args, result: self.calls.setdefault(node, []).append(numbers(result))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for handle in self.handles:
            handle.remove()

    def save(self, path, inputs, outputs):
        arrays = {name: numbers(value) for name, value in inputs.items()}
        for node, calls in self.calls.items():
            arrays["node/" + node] = calls[0] if len(calls) == 1 else np.stack(calls)
        arrays.update({"output/" + name: numbers(value) for name, value in outputs.items()})
        np.savez_compressed(path, **arrays)
        return {name: array.shape for name, array in arrays.items()}
