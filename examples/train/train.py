# Trains one twin on one data set with one seed and saves a checkpoint.
import argparse
import dataclasses
import math
import time

import torch
from torch.nn import functional

import image_sets
import twins


@dataclasses.dataclass
class Recipe:
    epochs: int
    rate: float              # peak learning rate of AdamW
    batch: int
    smoothing: float         # of the labels
    jitter: float = 0.0      # of the images, by affine maps
    short_epochs: int = 0    # the first epochs, run with SHORT_STEPS steps: half the time
    max_shift: int = None    # Shiftmax entries 2^-n with n above it are 0 in training too
    decay: float = 0.02      # weight decay, matrices only


RECIPES = {
    ("digits", "dense"): Recipe(epochs=120, rate=3e-3, batch=32, smoothing=0.1, jitter=0.1),
    ("digits", "ssa"): Recipe(epochs=60, rate=6e-3, batch=32, smoothing=0.1, jitter=0.1),
    ("digits", "bsa"): Recipe(epochs=60, rate=6e-3, batch=32, smoothing=0.1, jitter=0.1, max_shift=8),
    ("fashion", "dense"): Recipe(epochs=10, rate=1e-3, batch=64, smoothing=0.05),
    ("fashion", "ssa"): Recipe(epochs=4, rate=4e-3, batch=64, smoothing=0.05, short_epochs=2),
    ("fashion", "bsa"): Recipe(epochs=4, rate=4e-3, batch=64, smoothing=0.05, short_epochs=2, max_shift=8),
}
SHORT_STEPS = 2
WARM_UP = 0.1  # share of the steps
GRADIENT_NORM = 1.0


def jittered(image, size):
    """Each image under its own affine map: the matrix differs from 1 and the shift from 0 by up to `size`
    (1 of shift is half the image)."""
    if size == 0:
        return image
    identity = torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])
    maps = identity + (torch.rand(len(image), 2, 3) * 2 - 1) * size
    grid = functional.affine_grid(maps, image.shape, align_corners=False)
    return functional.grid_sample(image, grid, align_corners=False)


def rate_at(step, steps):
    """Linear warm-up, then cosine to 0; share of the peak."""
    warm = max(1, int(WARM_UP * steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def optimiser(model, recipe):
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    return torch.optim.AdamW([{"params": matrices, "weight_decay": recipe.decay},
                              {"params": vectors, "weight_decay": 0.0}], lr=recipe.rate)


def accuracy(model, image, label, batch=250):
    model.eval()
    with torch.no_grad():
        hits = sum((model(image[i:i + batch]).argmax(1) == label[i:i + batch]).sum().item()
                   for i in range(0, len(label), batch))
    model.train()
    return 100 * hits / len(label)


def train(model, recipe, image, label, report):
    """report(epoch, loss) is called after each epoch."""
    optimiser_ = optimiser(model, recipe)
    per_epoch = len(label) // recipe.batch
    steps = recipe.epochs * per_epoch
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser_, lambda step: rate_at(step, steps))
    for epoch in range(recipe.epochs):
        model.steps = SHORT_STEPS if epoch < recipe.short_epochs else twins.STEPS
        order = torch.randperm(len(label))
        total = 0.0
        for step in range(per_epoch):
            pick = order[step * recipe.batch:(step + 1) * recipe.batch]
            logits = model(jittered(image[pick], recipe.jitter))
            loss = functional.cross_entropy(logits, label[pick], label_smoothing=recipe.smoothing)
            optimiser_.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_NORM)
            optimiser_.step()
            schedule.step()
            total += loss.item()
        report(epoch, total / per_epoch)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dataset", choices=("digits", "fashion"), required=True)
    parser.add_argument("--twin", choices=("dense", "ssa", "bsa"), required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="checkpoint; none is written without it")
    parser.add_argument("--hold_out", action="store_true", help="judge on a part of the training set")
    parser.add_argument("--first", type=int, help="train on the first so many images only")
    for field in dataclasses.fields(Recipe):
        parser.add_argument("--" + field.name, type=float if field.type is float else int)
    return parser.parse_args()


def main():
    args = arguments()
    given = {field.name: getattr(args, field.name) for field in dataclasses.fields(Recipe)}
    overrides = {name: value for name, value in given.items() if value is not None}
    recipe = dataclasses.replace(RECIPES[args.dataset, args.twin], **overrides)
    torch.manual_seed(args.seed)
    image, label, judge_image, judge_label = image_sets.load(args.dataset, args.hold_out)
    image, label = image[:args.first], label[:args.first]
    model = twins.build(args.dataset, args.twin, recipe.max_shift)
    start = time.time()

    def report(epoch, loss):
        print(f"epoch {epoch + 1} loss {loss:.4f} seconds {time.time() - start:.0f}", flush=True)

    train(model, recipe, image, label, report)
    print(f"accuracy {accuracy(model, judge_image, judge_label):.2f}", flush=True)
    if args.out:
        torch.save({"state": model.state_dict(), "dataset": args.dataset, "twin": args.twin,
                    "seed": args.seed, "images": len(label)}, args.out)


if __name__ == "__main__":
    main()
