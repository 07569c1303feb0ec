# Singular values of the attention of a primal model and of its softmax twin; J at a KSVD solution.
import argparse
import math

import numpy as np
import torch

import export
import image_sets
import primal_parts
import twins
from attention import split_heads

SHOWN = (1, 2, 3, 4, 6, 8, 12)  # singular values summed


def primal_kernel(attention, z):
    """(K [S H N N] with K_ij = <f(X) phi_q(x_i), f(X) phi_k(x_j)>, f(X) phi_q, f(X) phi_k), float64; causal:
    the kernel of the features alone."""
    q, k = (attention.features(layer(z)).double() for layer in (attention.q, attention.k))
    if not attention.causal:
        sampled = primal_parts.by_heads(z[:, attention.indices], attention.heads).double()
        q, k = (torch.einsum("snhd,smhd->smhn", sampled, phi) for phi in (q, k))
    return torch.einsum("sihc,sjhc->shij", q, k), q, k


def softmax_matrix(attention, z):
    """The attention matrix [S H N N], float64."""
    q, k = (split_heads(layer(z), attention.heads).double() for layer in (attention.q, attention.k))
    return torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), -1)


def attention_inputs(model, image):
    """For each block its attention and what this reads."""
    seen = []
    hooks = [block.attention.register_forward_pre_hook(lambda module, inputs: seen.append((module, inputs[0])))
             for block in model.blocks]
    model(image)
    for hook in hooks:
        hook.remove()
    return seen


def cumulative(matrix):
    """Mean over images and heads of cumsum(sigma) / sum(sigma), and of the numerical rank."""
    sigma = np.linalg.svd(matrix.numpy(), compute_uv=False)
    rank = (sigma > sigma[..., :1] * 1e-6).sum(-1).mean()
    return (np.cumsum(sigma, -1) / sigma.sum(-1, keepdims=True)).mean((0, 1)), rank


def objective_at_solution(kernel, q, k, rank):
    """(J, tr W_e^T W_r) where W_e, W_r come from the first `rank` singular triplets of one head's K [N N], whose
    mapped features are q and k [N n]; Lambda = 1 / sigma."""
    left, sigma, right = np.linalg.svd(kernel)
    w_e = k.T @ right[:rank].T   # sum_j f(X) phi_k(x_j) h_rj^T
    w_r = q.T @ left[:, :rank]
    e, r = q @ w_e, k @ w_r
    trace = np.trace(w_e.T @ w_r)
    return ((e ** 2 / sigma[:rank]).sum() + (r ** 2 / sigma[:rank]).sum()) / 2 - trace, trace


def restored(names, path, dataset):
    if path != "untrained":
        return export.load(path, dataset, names)
    torch.manual_seed(0)
    return twins.build(dataset, names, {})[0].eval()


def print_row(name, values, rank):
    print(f"| {name} | " + " | ".join(f"{values[i - 1]:.3f}" for i in SHOWN) + f" | {rank:.1f} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+", metavar="MECHANISM=WEIGHTS",
                        help="primal=examples/primal/primal.safetensors; primal=untrained: as it starts, seed 0")
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--images", type=int, default=100, help="the first so many of the test split")
    args = parser.parse_args()
    image = image_sets.find(args.dataset).load(False)[2][:args.images]
    print("| layer | " + " | ".join(str(i) for i in SHOWN) + " | rank |\n|---" + "|---" * (len(SHOWN) + 1) + "|")
    worst, rank = 0.0, 0
    with torch.no_grad():
        for names, path in (text.split("=", 1) for text in args.models):
            model = restored(names, path, args.dataset)
            for index, (attention, z) in enumerate(attention_inputs(model, image)):
                if hasattr(attention, "we"):
                    kernel, q, k = primal_kernel(attention, z)
                    rank = attention.we.shape[-1]
                    for s in range(len(image)):
                        for h in range(attention.heads):
                            j, trace = objective_at_solution(kernel[s, h].numpy(), q[s, :, h].numpy(),
                                                             k[s, :, h].numpy(), rank)
                            worst = max(worst, abs(j) / trace)
                else:
                    kernel = softmax_matrix(attention, z)
                print_row(f"{names} ({path}), block {index}", *cumulative(kernel))
    if rank:
        print(f"\nKSVD solution of each K, {rank} triplets, float64: |J| / tr(W_e^T W_r) at most {worst:.1e}")


if __name__ == "__main__":
    main()
