# Data sets: how each is read, the shape of its twins, its training recipe.
import dataclasses
import gzip
import importlib
import os
from typing import Callable

import numpy as np
import torch
from sklearn.model_selection import train_test_split

DIGITS_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "digits.npz")
FASHION_FOLDER = "/usr/share/datasets/fashion-mnist"  # Debian package dataset-fashion-mnist
VALIDATION_SEED = 1


@dataclasses.dataclass(frozen=True)
class Shape:
    side: int    # pixels
    patch: int   # pixels
    width: int   # D
    heads: int = 4
    depth: int = 2
    classes: int = 10

    @property
    def tokens(self):
        return (self.side // self.patch) ** 2


@dataclasses.dataclass(frozen=True)
class Recipe:
    epochs: int
    rate: float              # peak learning rate of AdamW
    batch: int
    smoothing: float         # of the labels
    jitter: float = 0.0      # of the images, by affine maps
    short_epochs: int = 0    # the first epochs, run with T = 2: half the time
    decay: float = 0.02      # weight decay, matrices only
    first: int = None        # train on the first so many images only


@dataclasses.dataclass(frozen=True)
class ImageSet:
    shape: Shape
    recipes: dict            # by spiking
    grid_bits: int           # spiking weights are multiples of 2^-grid_bits
    split: str               # of which split; "{images}" are those trained on
    load: Callable           # (hold_out) -> train image, train label, judge image, judge label


def replaced(record, settings):
    """(the record with those settings that it has, the other settings)."""
    names = {field.name for field in dataclasses.fields(record)}
    own = {key: value for key, value in settings.items() if key in names}
    return dataclasses.replace(record, **own), {k: v for k, v in settings.items() if k not in names}


def read_idx(path):
    """An IDX file of bytes, gzipped: two zero bytes, type 8, rank, big-endian sizes, values."""
    with gzip.open(path, "rb") as file:
        content = file.read()
    rank = content[3]
    shape = np.frombuffer(content, ">i4", rank, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def read_fashion(folder=FASHION_FOLDER):
    return {f"{part}_{kind}": read_idx(os.path.join(folder, f"{prefix}-{kind}s-idx{rank}-ubyte.gz"))
            for part, prefix in (("train", "train"), ("test", "t10k"))
            for kind, rank in (("image", 3), ("label", 1))}


def tensors(arrays, levels, hold_out=False, validation=0):
    """Bytes [S Y X] become [S 1 Y X] float32, k / levels: exact if levels is a power of two. With hold_out the
    judge is carved from the training set and the test split stays untouched; without, it is the test split."""
    image, label = arrays["train_image"], arrays["train_label"]
    judge_image, judge_label = arrays["test_image"], arrays["test_label"]
    if hold_out:
        image, judge_image, label, judge_label = train_test_split(
            image, label, test_size=validation, stratify=label, random_state=VALIDATION_SEED)

    def pixels(x):
        return torch.from_numpy(x.astype(np.float32) / levels).unsqueeze(1)

    return (pixels(image), torch.from_numpy(label.astype(np.int64)),
            pixels(judge_image), torch.from_numpy(judge_label.astype(np.int64)))


DIGITS = ImageSet(
    shape=Shape(side=8, patch=2, width=64),
    recipes={False: Recipe(epochs=120, rate=3e-3, batch=32, smoothing=0.1, jitter=0.1),
             True: Recipe(epochs=60, rate=6e-3, batch=32, smoothing=0.1, jitter=0.1)},
    grid_bits=8,  # the finest of 6 and 8 at which float32 rounds nothing
    split="digits.npz, stratified 80/20 with split seed 0; trained on {images} of 1438 training images",
    load=lambda hold_out: tensors(dict(np.load(DIGITS_FILE)), 16, hold_out, 288))

FASHION = ImageSet(
    shape=Shape(side=28, patch=4, width=128),
    recipes={False: Recipe(epochs=10, rate=1e-3, batch=64, smoothing=0.05),
             True: Recipe(epochs=4, rate=4e-3, batch=64, smoothing=0.05, short_epochs=2)},
    grid_bits=6,
    split="official split; trained on {images} of 60000 training images",
    load=lambda hold_out: tensors(read_fashion(), 256, hold_out, 5000))


def find(name):
    """digits, fashion, or IMAGE_SET of tasks/<name>.py."""
    known = {"digits": DIGITS, "fashion": FASHION}
    return known.get(name) or importlib.import_module("tasks." + name).IMAGE_SET
