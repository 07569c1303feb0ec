"""Neurons that keep their spikes, and layers over steps, for models with the keys of published checkpoints."""
import torch
from torch import nn


class Neuron(nn.Module):
    """What fires is kept as [T B ... C]: `channels` is the axis that goes last, None keeps the order."""

    most = 1  # the largest spike

    def __init__(self, channels=2):
        super().__init__()
        self.channels = channels
        self.spikes = self.distance = None  # of h from the threshold

    def keep(self, spikes, distance):
        spikes, distance = torch.stack(spikes), torch.stack(distance)
        move = (lambda x: x.movedim(self.channels, -1)) if self.channels and spikes.dim() > 3 else (lambda x: x)
        self.spikes, self.distance = (move(x).flatten(2) for x in (spikes, distance))
        return spikes


class Lif(Neuron):
    """h = v + (x - v) / tau, fires at h >= threshold, reset to 0."""

    def __init__(self, threshold=1.0, tau=2.0, channels=2):
        super().__init__(channels)
        self.threshold, self.tau = threshold, tau

    def charge(self, v, x):
        return v + (x - v) / self.tau

    def forward(self, currents):
        v, spikes, distance = torch.zeros_like(currents[0]), [], []
        for x in currents:
            h = self.charge(v, x)
            spikes.append((h >= self.threshold).float())
            distance.append((h - self.threshold).abs())
            v = (1 - spikes[-1]) * h
        return self.keep(spikes, distance)


class LifOverBatch(Lif):
    """One neuron for all samples, as QKFormer's code calls it on [T*B C N]: its steps run over samples too."""

    def forward(self, currents):
        fired = super().forward(currents.flatten(0, 1).unsqueeze(1))
        self.spikes, self.distance = (x.reshape(*currents.shape[:2], -1) for x in (self.spikes, self.distance))
        return fired.reshape(currents.shape)


class Plif(Lif):
    def __init__(self, threshold=1.0, channels=2):
        super().__init__(threshold, channels=channels)
        self.w = nn.Parameter(torch.tensor(0.0))  # tau = 2

    def charge(self, v, x):
        return v + (x - v) * torch.sigmoid(self.w)


class Graded(Neuron):
    """The integer round(clip(x, 0, most)), handed on divided by `norm`; no state."""

    most = 4

    def __init__(self, norm=most, channels=2):
        super().__init__(channels)
        self.norm = norm

    def forward(self, currents):
        clipped = currents.clamp(0, self.most)
        count = clipped.round()
        self.keep(list(count), list((clipped - clipped.floor() - 0.5).abs()))
        return count / self.norm


def over_steps(layer, x):
    """A layer that knows no steps."""
    return layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


def normed(norm, layer, x):
    return over_steps(norm, over_steps(layer, x))


def conv(inputs, outputs, kernel=3, stride=1, bias=False, groups=1):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias, groups=groups)


def pool(x, stride=2):
    return over_steps(nn.MaxPool2d(3, stride, 1), x)


def in_heads(x, heads):
    """[T B C N] to [T B h N d]."""
    return x.unflatten(2, (heads, -1)).transpose(3, 4)


def out_of_heads(x):
    """[T B h N d] to [T B C N]."""
    return x.transpose(3, 4).flatten(2, 3)


def repeat(image, steps):
    return image.unsqueeze(0).repeat(steps, *[1] * image.dim())


class Branch(nn.Module):
    """Its layers are NAME_conv (or _linear), NAME_bn, NAME_lif."""

    def add(self, name, layer, norm, neuron, kind="conv"):
        setattr(self, f"{name}_{kind}", layer)
        setattr(self, f"{name}_bn", norm)
        if neuron is not None:
            setattr(self, f"{name}_lif", neuron)

    def currents(self, name, x):
        layer = getattr(self, f"{name}_conv", None) or getattr(self, f"{name}_linear")
        return normed(getattr(self, f"{name}_bn"), layer, x)

    def fire(self, name, x):
        """The neuron behind the layer."""
        return getattr(self, f"{name}_lif")(self.currents(name, x))

    def read(self, name, x):
        """The neuron in front of the layer."""
        return self.currents(name, getattr(self, f"{name}_lif")(x))
