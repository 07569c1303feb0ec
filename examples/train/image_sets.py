# Reads digits and Fashion-MNIST; pixels become dyadic float32.
import gzip
import os

import numpy as np
import torch
from sklearn.model_selection import train_test_split

DIGITS_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "digits.npz")
FASHION_FOLDER = "/usr/share/datasets/fashion-mnist"  # Debian package dataset-fashion-mnist
VALIDATION_SEED = 1
VALIDATION_SIZE = {"digits": 288, "fashion": 5000}


def read_idx(path):
    """An IDX file of bytes, gzipped: two zero bytes, type 8, rank, big-endian sizes, values."""
    with gzip.open(path, "rb") as file:
        content = file.read()
    rank = content[3]
    shape = np.frombuffer(content, ">i4", rank, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def load_arrays(dataset, folder=FASHION_FOLDER):
    """Bytes as stored: train_image, train_label, test_image, test_label."""
    if dataset == "digits":
        return dict(np.load(DIGITS_FILE))
    return {f"{part}_{kind}": read_idx(os.path.join(folder, f"{prefix}-{kind}s-idx{rank}-ubyte.gz"))
            for part, prefix in (("train", "train"), ("test", "t10k"))
            for kind, rank in (("image", 3), ("label", 1))}


def pixels(image, dataset):
    """[S Y X] bytes to [S 1 Y X] float32: k/16 for digits, k/256 for Fashion-MNIST (exact in float32)."""
    levels = 16 if dataset == "digits" else 256
    return torch.from_numpy(image.astype(np.float32) / levels).unsqueeze(1)


def load(dataset, hold_out):
    """(train image, train label, judge image, judge label). With hold_out the judge is carved from the
    training set and the test split stays untouched; without, the judge is the test split."""
    arrays = load_arrays(dataset)
    image, label = arrays["train_image"], arrays["train_label"]
    judge_image, judge_label = arrays["test_image"], arrays["test_label"]
    if hold_out:
        image, judge_image, label, judge_label = train_test_split(
            image, label, test_size=VALIDATION_SIZE[dataset], stratify=label, random_state=VALIDATION_SEED)
    return (pixels(image, dataset), torch.from_numpy(label.astype(np.int64)),
            pixels(judge_image, dataset), torch.from_numpy(judge_label.astype(np.int64)))
