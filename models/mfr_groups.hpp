// Which image tokens are hidden together in masked feature regression.
#pragma once

#include <span>
#include <vector>

#include "sim/tensor/tensor.hpp"

namespace volley {

// The mean over heads, and over steps, of the score that an attention gives: [T B H N M], f32 or i32 (spikes)
// to f32 [T=1 B N M]. Throws Error when the axes are others.
Tensor head_mean(const Tensor& score);

// mfr_group(seeds, k): each seed with the k - 1 other tokens that its row of attention weighs most; of equal
// weights the lower index is taken. Groups are united: a token of two groups counts once.
// attention: [N N] row-major, rows are queries. seeds: below N, in any order, maybe twice. k: 1 to N.
// Returns N flags: is the token hidden? Throws Error when a seed or k does not fit or a weight of a seed's
// row is NaN.
// Xue et al., Probing inter-modality: visual parsing with self-attention, NeurIPS 2021, MFR; how ties and
// unions go is ours.
std::vector<bool> mfr_group(std::span<const float> attention, Index tokens, std::span<const Index> seeds,
                            Index k);

}  // namespace volley
