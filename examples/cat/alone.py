# Writes alone.npz, inputs for alone.txtpb, and holds what volley gives against the definition in float64.
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def defined(z, v):
    """The matrix written out: row i is the softmax rolled right by i."""
    w = np.exp(z - z.max(1, keepdims=True))
    w /= w.sum(1, keepdims=True)
    tokens, heads = z.shape[1:]
    head = np.repeat(np.arange(heads), v.shape[2] // heads)
    j = np.arange(tokens)
    rolled = w[:, (j - j[:, None]) % tokens][..., head]  # [B i j C]
    return np.einsum("bijc,bjc->bic", rolled, v)


def main():
    rng = np.random.default_rng(0)
    z = rng.standard_normal((3, 12, 2)).astype(np.float32)
    v = rng.standard_normal((3, 12, 8)).astype(np.float32)
    if len(sys.argv) == 1:
        np.savez_compressed(os.path.join(HERE, "alone.npz"), z=z, v=v)
        return
    out = np.load(sys.argv[1])["out"]
    print("greatest difference", np.abs(out.reshape(v.shape) - defined(z.astype(np.float64), v)).max())


if __name__ == "__main__":
    main()
