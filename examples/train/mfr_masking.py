# Is a group of attended tokens harder to fill in than as many random ones? Interpolation over the grid.
import argparse

import torch

import export_vision_language
import mfr_groups
import train_vision_language
from vision_language import GRID, IMAGE_TOKENS

SEEDS = 2
GROUPS = (2, 3, 4)
DRAWS = 10  # seeds drawn for each image


def interpolated(features, hidden):
    """Features [S N C] with the hidden tokens [S N] made of the shown ones: their mean, weighted by 1 / distance^2 on
    the grid. Linear in the features. At least one token of each image is shown."""
    place = torch.stack([torch.arange(IMAGE_TOKENS) // GRID, torch.arange(IMAGE_TOKENS) % GRID], 1).double()
    distance = (place[:, None] - place[None]).square().sum(-1)
    weight = (1 / distance.masked_fill(distance == 0, torch.inf))[None] * (~hidden).double()[:, None, :]
    return weight / weight.sum(-1, keepdim=True) @ features


def error(features, hidden):
    """Mean squared error of each image's hidden tokens, over the variance of all features."""
    wrong = (interpolated(features, hidden) - features).square().mean(-1)
    return (wrong * hidden).sum(1) / hidden.sum(1) / features.var((0, 1)).mean()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint", nargs="+")
    args = parser.parse_args()
    _, (image, _, _) = train_vision_language.data(False)
    for path in args.checkpoint:
        with torch.no_grad():
            model, checkpoint = export_vision_language.restore(path)
            model = export_vision_language.folded(model)
            last = model.visual[-1].attention
            last.maps = []
            features = model.over_steps(model.visual_features(image)).double()
            attention = last.maps[0]
            for k in GROUPS:
                generator = torch.Generator().manual_seed(0)
                grouped, at_random, hidden_count = [], [], []
                for _ in range(DRAWS):
                    hidden = mfr_groups.draw(attention, SEEDS, k, generator)
                    grouped.append(error(features, hidden))
                    at_random.append(error(features, mfr_groups.random_like(hidden, generator)))
                    hidden_count.append(hidden.sum(1).double().mean())
                grouped, at_random = torch.stack(grouped).mean(0), torch.stack(at_random).mean(0)
                gap = grouped - at_random
                print(f"{checkpoint['model']} seed {checkpoint['seed']} k {k}: hidden "
                      f"{torch.stack(hidden_count).mean():.2f} of {IMAGE_TOKENS}, error of groups {grouped.mean():.4f}, "
                      f"of random tokens {at_random.mean():.4f}, difference {gap.mean():+.4f} "
                      f"+- {gap.std() / len(gap) ** 0.5:.4f} over {len(gap)} images")


if __name__ == "__main__":
    main()
