# Trains a visual parser on digits with generated captions: matching, masked words, masked image tokens.
import argparse
import time

import torch
from torch.nn import functional

import captions
import image_sets
import mfr_groups
import train
import twins
from vision_language import VisualParser

EPOCHS = {False: 50, True: 36}
SHORT = 0.5           # the first share of the epochs: spiking with T = 2
RATE = {False: 2e-3, True: 4e-3}
BATCH = 32
FINE_TUNING = 0.3     # the last share of the epochs: matching alone
WORD_SHARE = 0.15     # masked words
SEEDS, GROUP = 2, 3   # seeds and size of a group of masked image tokens
MFR_WEIGHT = 0.5
SMOOTHING = 0.05
JITTER = 0.05


def data(hold_out):
    """(train, judge), each (image, label, facts). The medians come from the training images."""
    image, label, judge_image, judge_label = image_sets.find("digits").load(hold_out)
    medians = captions.thresholds(image)
    return ((image, label, captions.facts(image, label, medians)),
            (judge_image, judge_label, captions.facts(judge_image, judge_label, medians)))


def accuracy(model, image, tokens, label, batch=250):
    """[%] of pairs that are judged rightly."""
    was_training = model.training
    model.eval()
    with torch.no_grad():
        hits = sum((model(image[i:i + batch], tokens[i:i + batch]).argmax(1) == label[i:i + batch]).sum().item()
                   for i in range(0, len(label), batch))
    model.train(was_training)
    return 100 * hits / len(label)


def masked_words(tokens, generator):
    """(tokens with [MASK], which ones): 15 % of the words; [CLS] stays."""
    chosen = torch.rand(tokens.shape, generator=generator) < WORD_SHARE
    chosen[:, 0] = False
    return tokens.masked_fill(chosen, captions.MASK), chosen


def losses(model, image, label, truth, generator, grouped):
    """(ITM, MLM, MFR, class) of one batch, each image with its own and with a swapped caption. The class of the digit
    from the image tokens stands for a pre-trained visual transformer. In fine-tuning (grouped None) ITM is alone.
    grouped: are image tokens hidden in groups of internal attention, or as many at random?"""
    none = torch.zeros(len(image), dtype=torch.bool)
    own, _ = captions.pairs(truth, none, generator)
    swapped, _ = captions.pairs(truth, ~none, generator)
    match_label = torch.cat([~none, none]).long()
    last = model.visual[-1].attention
    last.maps = []
    features = model.visual_features(image)
    attention, last.maps = last.maps[0].detach(), None
    if grouped is None:
        logits = model.match(model.fuse(torch.cat([features] * 2, -3), torch.cat([own, swapped])))
        match = functional.cross_entropy(logits, match_label, label_smoothing=SMOOTHING)
        return torch.stack([match] + [torch.zeros(())] * 3)
    masked, chosen = masked_words(own, generator)
    hidden = mfr_groups.draw(attention, SEEDS, GROUP, generator)
    if not grouped:
        hidden = mfr_groups.random_like(hidden, generator)
    all_hidden = torch.cat([torch.zeros_like(hidden)] * 2 + [hidden])
    stream = model.fuse(torch.cat([features] * 3, -3), torch.cat([own, swapped, masked]), hidden=all_hidden)
    plain, covered = stream.split([2 * len(image), len(image)], -3)
    goal = model.over_steps(features).detach()
    return torch.stack([
        functional.cross_entropy(model.match(plain), match_label, label_smoothing=SMOOTHING),
        functional.cross_entropy(model.words(covered)[chosen], own[chosen]),
        MFR_WEIGHT * (model.features(covered) - goal)[hidden].square().mean(),
        functional.cross_entropy(model.names(features), label, label_smoothing=SMOOTHING)])


@torch.no_grad()
def masked_measures(model, image, truth, seed=0):
    """Of true captions: [%] of masked words that are found, with the image and with the cross-modal blocks zeroed; and
    the squared error of hidden image tokens over their variance, hidden in groups and at random."""
    was_training = model.training
    model.eval()
    generator = torch.Generator().manual_seed(seed)
    own, _ = captions.pairs(truth, torch.zeros(len(image), dtype=torch.bool), generator)
    masked, chosen = masked_words(own, generator)
    last = model.visual[-1].attention
    last.maps = []
    features = model.visual_features(image)
    attention, last.maps = last.maps[0], None
    goal = model.over_steps(features)
    found = {}
    for name, layers in (("words", ()), ("words_apart", range(model.shape.joint))):
        model.set_apart(layers)
        guess = model.words(model.fuse(features, masked)).argmax(-1)
        found[name] = 100 * (guess == own)[chosen].float().mean().item()
    model.set_apart(())
    hidden = mfr_groups.draw(attention, SEEDS, GROUP, generator)
    for name, places in (("groups", hidden), ("random", mfr_groups.random_like(hidden, generator))):
        error = model.features(model.fuse(features, own, hidden=places)) - goal
        found[name] = (error[places].square().mean() / goal.var((0, 1)).mean()).item()
    model.train(was_training)
    return found


def fit(spiking, seed, part, epochs, rate, grouped=True, report=lambda *_: None, before_tuning=lambda model: None,
        start=None):
    """before_tuning is called once, when MLM and MFR end. start: weights to go on from, T = 4 throughout."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    image, label, truth = part
    model = VisualParser(spiking)
    tuning = round((1 - FINE_TUNING) * epochs)
    short = SHORT * epochs
    if start is not None:
        model.load_state_dict(start)
        short = 0
    recipe = image_sets.Recipe(epochs=epochs, rate=rate, batch=BATCH, smoothing=SMOOTHING)
    optimiser = train.optimiser(model, recipe)
    per_epoch = len(label) // BATCH
    steps = epochs * per_epoch
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: train.rate_at(step, steps))
    for epoch in range(epochs):
        model.steps = train.SHORT_STEPS if epoch < short else twins.STEPS
        mode = grouped if epoch < tuning else None
        if epoch == tuning:
            before_tuning(model)
        order, total = torch.randperm(len(label)), torch.zeros(4)
        for step in range(per_epoch):
            pick = order[step * BATCH:(step + 1) * BATCH]
            parts = losses(model, train.jittered(image[pick], JITTER), label[pick], truth[pick], generator, mode)
            optimiser.zero_grad(set_to_none=True)
            parts.sum().backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), train.GRADIENT_NORM)
            optimiser.step()
            schedule.step()
            total += parts.detach()
        report(epoch, total / per_epoch)
    return model


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", choices=("dense", "ssa"), required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--random_masks", action="store_true", help="MFR hides tokens at random, not in groups")
    parser.add_argument("--hold_out", action="store_true", help="judge on a part of the training set")
    parser.add_argument("--start", help="checkpoint to go on from")
    parser.add_argument("--out", help="checkpoint; none is written without it")
    args = parser.parse_args()
    spiking = args.model == "ssa"
    start = time.time()

    def report(epoch, loss):
        match, words, features, names = loss.tolist()
        print(f"epoch {epoch + 1} match {match:.3f} words {words:.3f} features {features:.3f} class {names:.3f} "
              f"seconds {time.time() - start:.0f}", flush=True)

    part, judge = data(args.hold_out)
    epochs, rate = args.epochs or EPOCHS[spiking], args.rate or RATE[spiking]

    def before_tuning(model):
        print("masked:", {name: round(value, 3) for name, value in masked_measures(model, judge[0], judge[2]).items()},
              flush=True)

    before = torch.load(args.start) if args.start else None
    model = fit(spiking, args.seed, part, epochs, rate, not args.random_masks, report, before_tuning,
                before and before["state"])
    image, tokens, label, _ = captions.test_pairs(judge[0], judge[2])
    print(f"accuracy {accuracy(model, image, tokens, label):.2f}", flush=True)
    for layers in ((0, 1), (0,), (1,)):
        model.set_apart(layers)
        print(f"cross-modal blocks zeroed in joint {layers}: {accuracy(model, image, tokens, label):.2f}", flush=True)
    model.set_apart(())
    if args.out:
        torch.save({"state": model.state_dict(), "model": args.model, "seed": args.seed, "rate": rate,
                    "epochs": epochs + (before["epochs"] if before else 0),
                    "grouped": not args.random_masks, "images": len(part[1])}, args.out)


if __name__ == "__main__":
    main()
