// Which numbers an edge can carry.
#include "sim/graph/value_domains.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "sim/graph/passes.hpp"

namespace volley {
namespace {

// 0 times infinity is 0: a number that is 0 stays 0.
double times(double a, double b) {
  return a == 0 || b == 0 ? 0 : a * b;
}

// The coarser grid is taken when the finer one holds it.
double common_step(double a, double b) {
  const double fine = std::min(a, b);
  const double coarse = std::max(a, b);
  return fine > 0 && std::fmod(coarse, fine) == 0 ? fine : 0;
}

}  // namespace

std::string_view name(NumberKind kind) {
  constexpr std::array<std::string_view, 5> names{"binary", "ternary", "integer", "multiples", "real"};
  return names[static_cast<std::size_t>(kind)];
}

NumberKind NumberSet::kind() const {
  if (step == 0) {
    return NumberKind::real;
  }
  if (step != 1) {
    return NumberKind::multiples;
  }
  if (greatest <= 1 && least >= 0) {
    return NumberKind::binary;
  }
  return greatest <= 1 && least >= -1 ? NumberKind::ternary : NumberKind::integer;
}

bool NumberSet::is_bounded() const {
  return std::isfinite(least) && std::isfinite(greatest);
}

bool NumberSet::holds(double number) const {
  return number >= least && number <= greatest && (step == 0 || std::fmod(number, step) == 0);
}

std::string text(const NumberSet& set) {
  const auto range = [&](const char* between) {
    const bool is_free = !std::isfinite(set.least) && !std::isfinite(set.greatest);
    return is_free ? std::string() : fmt::format("{}{:.6g}..{:.6g}", between, set.least, set.greatest);
  };
  switch (set.kind()) {
    case NumberKind::binary:
    case NumberKind::ternary:
      return std::string(name(set.kind()));
    case NumberKind::integer:
      return "integer" + range(" ");
    case NumberKind::multiples:
      return fmt::format("multiples of {:.6g}", set.step) + range(" in ");
    case NumberKind::real:
      return "real numbers" + range(" in ");
  }
  return "?";
}

NumberSet numbers_of_spec(const ValueSpec& spec) {
  if (spec.is_dense()) {
    return {spec.dtype == Dtype::f32 || spec.dtype == Dtype::f16 ? 0.0 : 1.0};
  }
  const bool is_bipolar = spec.code.coding == Coding::bipolar;
  return {1, is_bipolar ? -1.0 : 0.0, is_bipolar ? 1.0 : static_cast<double>(spec.code.planes)};
}

NumberSet sum(const NumberSet& a, const NumberSet& b) {
  return {common_step(a.step, b.step), a.least + b.least, a.greatest + b.greatest};
}

NumberSet product(const NumberSet& a, const NumberSet& b) {
  const std::array corners{times(a.least, b.least), times(a.least, b.greatest), times(a.greatest, b.least),
                           times(a.greatest, b.greatest)};
  const auto [least, greatest] = std::minmax_element(corners.begin(), corners.end());
  return {a.step * b.step, *least, *greatest};
}

NumberSet scaled(const NumberSet& set, double factor) {
  const double a = times(set.least, factor);
  const double b = times(set.greatest, factor);
  return {set.step * std::abs(factor), std::min(a, b), std::max(a, b)};
}

NumberSet repeated_sum(const NumberSet& set, Index count) {
  const auto n = static_cast<double>(count);
  return {set.step, times(set.least, n), times(set.greatest, n)};
}

NumberSet with_zero(NumberSet set) {
  set.least = std::min(set.least, 0.0);
  set.greatest = std::max(set.greatest, 0.0);
  return set;
}

NumberSet numbers_on(const InEdge& edge, const std::vector<std::vector<NumberSet>>& sets) {
  const NumberSet set = sets[edge.from.node][edge.from.output];
  return edge.delay > 0 ? with_zero(set) : set;
}

std::vector<std::vector<NumberSet>> infer_numbers(const Graph& graph, const NumberRules& rules, Index steps) {
  const auto specs = infer_specs(graph, 1, steps);
  std::vector<std::vector<NumberSet>> sets(graph.size());
  for (NodeId node = 0; node < graph.size(); ++node) {
    for (const ValueSpec& spec : specs[node]) {
      sets[node].push_back(numbers_of_spec(spec));
    }
  }
  // Around a loop a node is read before its own turn: then what its spec proves has to do.
  std::vector<bool> is_done(graph.size(), false);
  for (const NodeId node : graph.order()) {
    const auto rule = rules.find(graph.op(node).kind());
    is_done[node] = true;
    if (rule == rules.end()) {
      continue;
    }
    std::vector<NumberSet> in;
    std::vector<ValueSpec> in_specs;
    for (const InEdge& edge : graph.in_edges(node)) {
      in_specs.push_back(specs[edge.from.node][edge.from.output]);
      in.push_back(is_done[edge.from.node] ? numbers_on(edge, sets)
                                           : with_zero(numbers_of_spec(in_specs.back())));
    }
    const auto proven = rule->second({graph.op(node), in, in_specs, specs[node]});
    std::copy_n(proven.begin(), std::min(proven.size(), sets[node].size()), sets[node].begin());
  }
  return sets;
}

}  // namespace volley
