# What the dense and the spiking primal attention share: sampled tokens, scores, the KSVD objective.
import torch


def sampled_tokens(tokens, rows):
    """floor(j (N - 1) / (n - 1)) for j < n, in integers."""
    return [0 if rows == 1 else j * (tokens - 1) // (rows - 1) for j in range(rows)]


def by_heads(x, heads):
    """[... N C] to [... N H d], channel c = head d + j."""
    return x.unflatten(-1, (heads, x.shape[-1] // heads))


def project(sampled, weight):
    """W_e|X = f(X)^T W_e of each head: [... n H d] and [H n s] to [... H d s]."""
    return torch.einsum("...nhd,hna->...hda", sampled, weight)


def scores(phi, projection):
    """[... N H d] and [... H d s], or [H d s], to [... N H s]."""
    return torch.einsum("...nhd,...hda->...nha", phi, projection)


def objective(e, r, we, wr, scale):
    """J of the code: half the mean squares of scale e and scale r, over tokens, heads and samples, less the
    mean over heads of tr(W_e^T W_r). e, r [... N H s]; we, wr [H n s]; scale (Lambda) [H s]."""
    variance = ((e * scale) ** 2).sum(-1).mean() + ((r * scale) ** 2).sum(-1).mean()
    return variance / 2 - (we * wr).sum((1, 2)).mean()
