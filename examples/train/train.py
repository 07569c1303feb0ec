# Trains one mechanism on one data set with one seed and saves a checkpoint.
import argparse
import ast
import math
import time

import torch
from torch.nn import functional

import image_sets
import twins

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
    """[%]; leaves the model in training mode or not, as it was."""
    was_training = model.training
    model.eval()
    with torch.no_grad():
        hits = sum((model(image[i:i + batch]).argmax(1) == label[i:i + batch]).sum().item()
                   for i in range(0, len(label), batch))
    model.train(was_training)
    return 100 * hits / len(label)


def train(model, recipe, image, label, report):
    """report(epoch, loss) is called after each epoch."""
    optimiser_ = optimiser(model, recipe)
    per_epoch = len(label) // recipe.batch
    steps = recipe.epochs * per_epoch
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser_, lambda step: rate_at(step, steps))
    for epoch in range(recipe.epochs):
        model.steps = min(SHORT_STEPS, model.full_steps) if epoch < recipe.short_epochs else model.full_steps
        order = torch.randperm(len(label))
        total = 0.0
        for step in range(per_epoch):
            pick = order[step * recipe.batch:(step + 1) * recipe.batch]
            logits = model(jittered(image[pick], recipe.jitter))
            loss = functional.cross_entropy(logits, label[pick], label_smoothing=recipe.smoothing) + model.penalty()
            optimiser_.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_NORM)
            optimiser_.step()
            schedule.step()
            total += loss.item()
        report(epoch, total / per_epoch)


def fit(dataset, names, seed, settings, hold_out=False, report=lambda epoch, loss: None):
    """(trained model, number of training images, accuracy [%] on the test split or the held-out images)."""
    torch.manual_seed(seed)
    model, recipe = twins.build(dataset, names, settings)
    image, label, judge_image, judge_label = image_sets.find(dataset).load(hold_out)
    image, label = image[:recipe.first], label[:recipe.first]
    train(model, recipe, image, label, report)
    return model, len(label), accuracy(model, judge_image, judge_label)


def setting(text):
    """"key=value": numbers, True, False and None as Python reads them, else text."""
    key, _, value = text.partition("=")
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dataset", required=True, help="digits, fashion, or the name of a file in tasks/")
    parser.add_argument("--mechanism", required=True, help="a file in mechanisms/; a+b alternates block by block")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="checkpoint; none is written without it")
    parser.add_argument("--hold_out", action="store_true", help="judge on a part of the training set")
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="KEY=VALUE",
                        help="a field of the shape or the recipe (image_sets.py), or a setting of the mechanism")
    args = parser.parse_args()
    settings = dict(args.set)
    start = time.time()

    def report(epoch, loss):
        print(f"epoch {epoch + 1} loss {loss:.4f} seconds {time.time() - start:.0f}", flush=True)

    model, images, percent = fit(args.dataset, args.mechanism, args.seed, settings, args.hold_out, report)
    print(f"accuracy {percent:.2f}", flush=True)
    if args.out:
        torch.save({"state": model.state_dict(), "dataset": args.dataset, "mechanism": args.mechanism,
                    "settings": settings, "seed": args.seed, "images": images}, args.out)


if __name__ == "__main__":
    main()
