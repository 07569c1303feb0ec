// Products and singular vectors of a kernel, by Eigen.
#include "analysis/kernel_svd.hpp"

#include <Eigen/SVD>
#include <limits>

#include "sim/base/check.hpp"

namespace volley {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::Map<const RowMajor> view(const Matrix& matrix) {
  return {matrix.numbers.data(), matrix.rows, matrix.columns};
}

void check(const KernelFactors& factors) {
  check_matrix(factors.q, "the features of q");
  check_matrix(factors.r, "the features of k");
  VOLLEY_CHECK(factors.q.columns == factors.r.columns, Fault::model,
               "q has {} features and k has {}, wanted as many", factors.q.columns, factors.r.columns);
}

}  // namespace

Matrix primal_kernel(const KernelFactors& factors) {
  check(factors);
  Matrix kernel = zero_matrix(factors.q.rows, factors.r.rows);
  Eigen::Map<RowMajor>(kernel.numbers.data(), kernel.rows, kernel.columns) =
      view(factors.q) * view(factors.r).transpose();
  return kernel;
}

KernelObjective kernel_objective(const KernelFactors& factors, const std::vector<Index>& triplets) {
  const Matrix kernel = primal_kernel(factors);
  const Eigen::JacobiSVD<Eigen::MatrixXd> solver(view(kernel), Eigen::ComputeThinU | Eigen::ComputeThinV);
  const Eigen::VectorXd& sigma = solver.singularValues();
  KernelObjective out;
  for (const Index s : triplets) {
    VOLLEY_CHECK(s >= 0 && s < sigma.size(), Fault::usage, "triplet {} isn't there; the kernel has {}", s,
                 sigma.size());
    VOLLEY_CHECK(sigma[s] > sigma[0] * std::numeric_limits<double>::epsilon(), Fault::usage,
                 "triplet {} has the singular value 0", s);
    const Eigen::VectorXd w_e = view(factors.r).transpose() * solver.matrixV().col(s);
    const Eigen::VectorXd w_r = view(factors.q).transpose() * solver.matrixU().col(s);
    const Eigen::VectorXd e = view(factors.q) * w_e;
    const Eigen::VectorXd r = view(factors.r) * w_r;
    const double trace = w_e.dot(w_r);
    out.objective += (e.squaredNorm() + r.squaredNorm()) / sigma[s] / 2 - trace;
    out.trace += trace;
  }
  return out;
}

}  // namespace volley
