# Writes the 8x8 UCI digits, split 80/20 by class, to digits.npz.
import argparse

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SPLIT_SEED = 0
TEST_IMAGES = 359  # a fifth of 1797


def split_digits():
    digits = load_digits()
    image = digits.images.astype(np.uint8)  # 0 .. 16
    label = digits.target.astype(np.uint8)
    train_image, test_image, train_label, test_label = train_test_split(
        image, label, test_size=TEST_IMAGES, stratify=label, shuffle=True, random_state=SPLIT_SEED)
    return {"train_image": train_image, "train_label": train_label,
            "test_image": test_image, "test_label": test_label}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default="examples/data/digits.npz")
    arrays = split_digits()
    for name, array in arrays.items():
        print(name, array.dtype, array.shape)
    np.savez_compressed(parser.parse_args().out, **arrays)


if __name__ == "__main__":
    main()
