# Canvases of 2 x 2 digits: which of the other three shows the digit of the first?
import sys

import numpy as np
from sklearn.model_selection import train_test_split

from image_sets import DIGITS_FILE, VALIDATION_SEED, ImageSet, Recipe, Shape, tensors

GRID = 2
OTHERS = GRID * GRID - 1
CANVASES = {"train": 8000, "judge": 1000}
SEED = {"train": 10, "judge": 11}


def canvases(image, label, part):
    """(image [S 16 16], place [S]): the class of the first digit is at `place` of the others (row-major) and nowhere
    else; every digit is drawn from `image`."""
    random = np.random.default_rng(SEED[part])
    count = CANVASES[part]
    of_class = [np.flatnonzero(label == c) for c in range(10)]
    place = random.integers(OTHERS, size=count)
    canvas = np.zeros((count, GRID * GRID, 8, 8), image.dtype)
    for s in range(count):
        wanted = random.integers(10)
        classes = random.choice([c for c in range(10) if c != wanted], size=OTHERS)
        classes[place[s]] = wanted
        for token, c in enumerate([wanted, *classes]):
            canvas[s, token] = image[random.choice(of_class[c])]
    rows = canvas.reshape(count, GRID, GRID, 8, 8).transpose(0, 1, 3, 2, 4)
    return rows.reshape(count, GRID * 8, GRID * 8), place


def load(hold_out):
    """Training canvases show training images only; the judge's show test images, or held-out training images."""
    arrays = dict(np.load(DIGITS_FILE))
    image, label = arrays["train_image"], arrays["train_label"]
    judge_image, judge_label = arrays["test_image"], arrays["test_label"]
    if hold_out:
        image, judge_image, label, judge_label = train_test_split(
            image, label, test_size=288, stratify=label, random_state=VALIDATION_SEED)
    train_image, train_label = canvases(image, label, "train")
    judge_image, judge_label = canvases(judge_image, judge_label, "judge")
    return tensors({"train_image": train_image, "train_label": train_label, "test_image": judge_image,
                    "test_label": judge_label}, 16)


IMAGE_SET = ImageSet(
    shape=Shape(side=GRID * 8, patch=8, width=64, classes=OTHERS),
    recipes={False: Recipe(epochs=16, rate=3e-3, batch=32, smoothing=0.0),
             True: Recipe(epochs=16, rate=6e-3, batch=32, smoothing=0.0)},
    grid_bits=8,
    split="canvases of tasks/match.py from digits.npz, seeds 10 and 11; trained on {images} of 8000 training canvases",
    load=load)


def main():
    """From examples/train: python3 -m tasks.match FILE.npz writes the test canvases as volley reads them."""
    _, _, image, label = load(False)
    np.savez_compressed(sys.argv[1], image=image.numpy(), labels=label.numpy())


if __name__ == "__main__":
    main()
