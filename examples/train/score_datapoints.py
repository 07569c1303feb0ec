# Figures of a run of volley on the tables of examples/datapoints.
import sys

import numpy as np


def retrieval(score, rows):
    """score [T S H n n]: share of the originals that give their duplicate more weight than any other row but their own,
    summed over the steps, in the best head."""
    weights = score.sum(0)[:, :, rows:]
    own = np.arange(rows)
    others = weights.copy()
    others[:, :, own, own] = others[:, :, own, rows + own] = -1
    return (weights[:, :, own, own] > others.max(-1)).mean((0, 2)).max()


def lookup(run, data):
    truth, order = data["truth"], data["order"]
    tables, rows = truth.shape
    logits = run["logits"][:, :, 0]
    plain, moved, permuted = logits[:tables], logits[tables:2 * tables], logits[2 * tables:]
    found, slope = plain[:, rows:], (moved - plain)[:, rows]
    print(f"RMSE {np.sqrt(np.square(found - truth).mean()):.4f}  (predicting the mean: {truth.std():.4f})")
    print(f"r {np.corrcoef(found.ravel(), truth.ravel())[0, 1]:.4f}")
    print(f"a duplicate's target + 1 moves the prediction by {slope.mean():.3f} +- {slope.std():.3f}")
    difference = np.abs(permuted - np.take_along_axis(plain, order, 1)).max()
    print(f"rows in another order: outputs differ by at most {difference:g}")
    name = "block0.attn:score"
    if name in run:
        score = run[name] if run[name].ndim == 5 else run[name][None]
        print(f"retrieval {100 * retrieval(score[:, :tables], rows):.2f} %")


def breast_cancer(run, data):
    guess = run["logits"][0, data["test"]].argmax(1)
    right = (guess == data["truth"]).sum()
    print(f"accuracy {100 * right / len(guess):.2f} % ({right} of {len(guess)} hidden rows)")


if __name__ == "__main__":
    run, data = np.load(sys.argv[1]), np.load(sys.argv[2])
    (lookup if "order" in data else breast_cancer)(run, data)
