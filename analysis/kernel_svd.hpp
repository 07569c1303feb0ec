// The kernel of a primal layer, and the objective at its singular vectors.
#pragma once

#include <vector>

#include "analysis/matrix.hpp"

namespace volley {

// The mapped features of one head, rows are tokens: Q = f(X) phi_q, R = f(X) phi_k, both [N n]; causal, of
// which there is no X: phi_q and phi_k, [N d].
struct KernelFactors {
  Matrix q;
  Matrix r;
};

// K = Q R^T, K_ij = <f(X) phi_q(x_i), f(X) phi_k(x_j)>, of rank min(N, n) at most: the matrix whose singular
// vectors a trained primal layer approaches. Throws Error (model) when one of the two has another number of
// features or check_matrix refuses it.
// Source: Chen, Tao, Tonin, Suykens, Primal-Attention, NeurIPS 2023, section 3; which matrix its figure
// decomposes is not said, K is the natural choice.
Matrix primal_kernel(const KernelFactors& factors);

// J of the weights that some singular triplets of K make, W_e = R^T H_r, W_r = Q^T H_e, Lambda = 1 / Sigma:
//   e = Q W_e, r = R W_r,  J = (sum |Lambda^1/2 e|^2 + sum |Lambda^1/2 r|^2) / 2 - tr(W_e^T W_r)
// It is 0 whichever triplets are taken; trace is the measure of what rounding leaves.
struct KernelObjective {
  double objective = 0;
  double trace = 0;
};
// triplets: places among the falling singular values. Throws Error as primal_kernel does, (usage) for a
// triplet that isn't there or whose singular value is 0.
KernelObjective kernel_objective(const KernelFactors& factors, const std::vector<Index>& triplets);

}  // namespace volley
