# Finds attention mechanisms by the names of their files.
import importlib
import inspect

from torch import nn


def find(name):
    """The class of mechanisms/<name>.py that can be written to a graph."""
    module = importlib.import_module("mechanisms." + name)
    classes = [value for value in vars(module).values()
               if inspect.isclass(value) and issubclass(value, nn.Module) and hasattr(value, "write")
               and value.__module__ == module.__name__]
    if len(classes) != 1:
        raise ValueError(f"mechanisms/{name}.py has {len(classes)} classes with write(), wanted 1")
    return classes[0]


def stack(names):
    """"a" or "a+b": the classes that the blocks take in turn; all spiking or all dense."""
    classes = [find(name) for name in names.split("+")]
    if len({c.spiking for c in classes}) != 1:
        raise ValueError(f"{names}: spiking and dense mechanisms do not go into one stack")
    return classes


def accepted(mechanism, settings):
    """Those of the settings that this mechanism takes."""
    known = list(inspect.signature(mechanism.__init__).parameters)[4:]  # after self, width, heads, tokens
    return {key: value for key, value in settings.items() if key in known}
