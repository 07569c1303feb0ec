// Kernels of dense and of spiking primal attention.
#include "cli/primal_matrices.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/spectrum.hpp"
#include "attention/primal.hpp"
#include "attention/primal_scores.hpp"

namespace volley::cli {
namespace {

constexpr double rank_of_double = 1e-10;  // K is formed in double

Shape shape_of(const RecordedTokens& of) {
  return {{Axis::T, of.steps}, {Axis::B, of.samples}, {Axis::N, of.tokens}, {Axis::C, of.channels}};
}

// f(X) phi of each token, phi of length 1 (or 0); causal phi itself.
Matrix factor(const std::vector<float>& phi, const std::vector<float>& sampled, Index tokens, Index width) {
  const Index rows = sampled.empty() ? width : static_cast<Index>(sampled.size()) / width;
  Matrix out = zero_matrix(tokens, rows);
  for (Index n = 0; n < tokens; ++n) {
    for (Index j = 0; j < rows; ++j) {
      double sum = sampled.empty() ? phi[n * width + j] : 0.0;
      for (Index c = 0; c < width && !sampled.empty(); ++c) {
        sum += static_cast<double>(sampled[c * rows + j]) * phi[n * width + c];
      }
      out(n, j) = sum;
    }
  }
  return out;
}

struct Place {
  Index step, sample, head;
};

KernelFactors factors_of(const PrimalAttention& op, const std::vector<RecordedTokens>& in, Place at) {
  const RecordedTokens& q = in[0];
  const PrimalShape shape = op.shape(shape_of(q));
  PrimalHead out;
  compute_head(op, shape, op.constants(),
               {q.row(at.step, at.sample, 0), in[1].row(at.step, at.sample, 0),
                op.is_causal() ? nullptr : in[2].row(at.step, at.sample, 0)},
               at.head, out);
  return {factor(out.phi_q, out.sampled, q.tokens, shape.width),
          factor(out.phi_k, out.sampled, q.tokens, shape.width)};
}

// Spikes over their length, a silent one stays 0.
std::vector<float> features(const RecordedTokens& from, Place at, Index width) {
  std::vector<float> phi;
  for (Index n = 0; n < from.tokens; ++n) {
    const float* row = from.row(at.step, at.sample, n) + at.head * width;
    const double squares = std::inner_product(row, row + width, row, 0.0);
    for (Index c = 0; c < width; ++c) {
      phi.push_back(static_cast<float>(row[c] / std::sqrt(std::max(1.0, squares))));
    }
  }
  return phi;
}

KernelFactors factors_of(const PrimalScores& op, const std::vector<RecordedTokens>& in, Place at) {
  const RecordedTokens& q = in[0];
  const PrimalScoreSizes sizes = op.sizes(shape_of(q));
  std::vector<float> sampled;
  for (Index c = 0; c < sizes.width && !op.is_causal(); ++c) {
    for (Index j = 0; j < sizes.rows; ++j) {
      const float* token = in[2].row(at.step, at.sample, op.sampled(j, q.tokens));
      sampled.push_back(token[at.head * sizes.width + c]);
    }
  }
  return {factor(features(q, at, sizes.width), sampled, q.tokens, sizes.width),
          factor(features(in[1], at, sizes.width), sampled, q.tokens, sizes.width)};
}

// e or r [T S N H s] as maps [T S H N s].
LayerMaps scores(const std::string& name, const RecordedTokens& from, Index heads) {
  const Index rank = from.channels / heads;
  LayerMaps maps = empty_maps(name, from, heads, rank);
  for_each_map(maps, [&](Index step, Index sample, Index head) {
    for (Index n = 0; n < from.tokens; ++n) {
      const float* row = from.row(step, sample, n) + head * rank;
      maps.numbers.insert(maps.numbers.end(), row, row + rank);
    }
  });
  return maps;
}

// |J| / tr of the leading triplets whose singular values are not 0.
double zero_value(const KernelFactors& factors, const Matrix& kernel, Index rank) {
  if (is_zero(kernel)) {
    return 0;
  }
  std::vector<Index> triplets(
      static_cast<std::size_t>(std::min(rank, spectrum(kernel, rank_of_double).rank)));
  std::iota(triplets.begin(), triplets.end(), Index{0});
  const KernelObjective found = kernel_objective(factors, triplets);
  return std::abs(found.objective) / found.trace;
}

template <class Op>
LayerMatrices kernels(const Op& op, const std::string& name, const PrimalRecord& record, Index heads) {
  LayerMatrices k{empty_maps(name, record.in[0], heads, record.in[0].tokens), "K", {}, 0.0};
  const Index rank = record.e.channels / heads;
  for_each_map(k.maps, [&](Index step, Index sample, Index head) {
    const KernelFactors factors = factors_of(op, record.in, {step, sample, head});
    const Matrix kernel = primal_kernel(factors);
    k.maps.numbers.insert(k.maps.numbers.end(), kernel.numbers.begin(), kernel.numbers.end());
    k.zero = std::max(*k.zero, zero_value(factors, kernel, rank));
  });
  k.objective = std::accumulate(record.objective.begin(), record.objective.end(), 0.0) /
                static_cast<double>(record.objective.size());
  return k;
}

}  // namespace

RecordedTokens recorded_tokens(const Collector& collector, Port port) {
  const Tensor& value = collector.values().at(port);
  const Shape& shape = value.shape();
  return {shape[Axis::T], shape[Axis::B], shape.size_or(Axis::N, 1), shape[Axis::C],
          as_floats(array_of(value))};
}

LayerMaps empty_maps(const std::string& name, const RecordedTokens& of, Index heads, Index columns) {
  LayerMaps maps;
  maps.name = name;
  maps.steps = of.steps;
  maps.samples = of.samples;
  maps.heads = heads;
  maps.rows = of.tokens;
  maps.columns = columns;
  maps.numbers.reserve(static_cast<std::size_t>(of.steps * of.samples * heads * of.tokens * columns));
  return maps;
}

bool is_primal(const Operator& op) {
  return op.kind() == PrimalAttention::op_kind || op.kind() == PrimalScores::op_kind;
}

std::vector<LayerMatrices> primal_matrices(const Operator& op, const std::string& name,
                                           const PrimalRecord& record) {
  const auto* dense = dynamic_cast<const PrimalAttention*>(&op);
  const auto* spiking = dynamic_cast<const PrimalScores*>(&op);
  const Shape q = shape_of(record.in[0]);
  const Index heads = dense != nullptr ? dense->shape(q).heads : spiking->sizes(q).heads;
  return {dense != nullptr ? kernels(*dense, name, record, heads) : kernels(*spiking, name, record, heads),
          {scores(name, record.e, heads), "e", {}, {}},
          {scores(name, record.r, heads), "r", {}, {}}};
}

}  // namespace volley::cli
