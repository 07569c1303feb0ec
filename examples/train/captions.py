# Generated captions of the digits, true ones and swapped ones.
import numpy as np
import torch

CLASSES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
CLS, MASK = 0, 1  # tokens that are no words
# Nine words and places for what is true of the image; no caption is longer or shorter.
TEMPLATES = ("a {stroke} {name} that leans to the {lean} side",
             "this is a {stroke} {parity} number leaning {lean} here",
             "the number {name} is {stroke} and leans {lean} here",
             "an image of a {name} that is {half} heavy",
             "here is a {parity} digit with most ink {half}")
LENGTH = 10  # [CLS] and nine words
FIELDS = ("name", "parity", "stroke", "lean", "half")
VALUES = {"name": CLASSES, "parity": ("even", "odd"), "stroke": ("thin", "bold"), "lean": ("left", "right"),
          "half": ("bottom", "top")}
WORDS = ["[CLS]", "[MASK]"] + sorted({word for template in TEMPLATES for word in template.split() if "{" not in word}
                                     | {word for values in VALUES.values() for word in values})
INDEX = {word: index for index, word in enumerate(WORDS)}


def moments(image):
    """(ink, covariance of x and height, height of the centre) of each image [S 1 Y X]."""
    ink = image[:, 0].double()
    side = ink.shape[-1]
    x = torch.arange(side, dtype=torch.float64)
    height = side - 1 - x  # of a row
    total = ink.sum((1, 2))
    centre_x = (ink.sum(1) * x).sum(1) / total
    centre_y = (ink.sum(2) * height).sum(1) / total
    slant = (ink * (x[None, None, :] - centre_x[:, None, None])
             * (height[None, :, None] - centre_y[:, None, None])).sum((1, 2)) / total
    return total, slant, centre_y


def thresholds(image):
    """The medians over the training images."""
    return [value.median().item() for value in moments(image)]


def facts(image, label, medians):
    """[S F] integers: what is true of each image, by the index in VALUES. Class and parity come from the label, ink,
    slant and centre from the pixels."""
    above = [(value > median).long() for value, median in zip(moments(image), medians)]
    return torch.stack([label, label % 2, *above], 1)


def caption(template, truth):
    """The token ids of a template filled with these facts [F]."""
    words = {field: VALUES[field][truth[i]] for i, field in enumerate(FIELDS)}
    return [CLS] + [INDEX[word] for word in TEMPLATES[template].format(**words).split()]


def said(template):
    """Which fields a template speaks of."""
    return [i for i, field in enumerate(FIELDS) if "{" + field + "}" in TEMPLATES[template]]


SAID = torch.tensor([[i in said(template) for i in range(len(FIELDS))] for template in range(len(TEMPLATES))])


def pairs(truth, wrong, generator):
    """Token ids [S LENGTH] and labels [S]: 1 where the caption is the image's own. wrong [S] booleans: the others get
    the caption of another image; one that happens to be true of the image is drawn again."""
    count = len(truth)
    template = torch.randint(len(TEMPLATES), (count,), generator=generator)
    owner = torch.arange(count)
    todo = wrong.nonzero()[:, 0]
    while len(todo):
        owner[todo] = torch.randint(count, (len(todo),), generator=generator)
        differs = ((truth[todo] != truth[owner[todo]]) & SAID[template[todo]]).any(1)
        todo = todo[~differs]
    rows = truth[owner].tolist()
    tokens = [caption(t, row) for t, row in zip(template.tolist(), rows)]
    return torch.tensor(tokens), (~wrong).long()


def test_pairs(image, truth, seed=0):
    """Each image twice, with its own caption and with a swapped one: (image, tokens, labels, index of the image)."""
    generator = torch.Generator().manual_seed(seed)
    wrong = torch.arange(2 * len(image)) % 2 == 1
    index = torch.arange(len(image)).repeat_interleave(2)
    tokens, label = pairs(truth[index], wrong, generator)
    return image[index], tokens, label, index


def text(tokens):
    return " ".join(WORDS[t] for t in np.asarray(tokens)[1:])
