// Which numbers an edge can carry, proven from the graph alone.
#pragma once

#include <functional>
#include <limits>
#include <map>

#include "sim/graph/graph.hpp"

namespace volley {

enum class NumberKind : std::uint8_t { binary, ternary, integer, multiples, real };
std::string_view name(NumberKind kind);

// All numbers step * k, k an integer, in [least, greatest]; with step 0 all real numbers there.
struct NumberSet {
  double step = 0;
  double least = -std::numeric_limits<double>::infinity();
  double greatest = std::numeric_limits<double>::infinity();

  NumberKind kind() const;
  bool is_bounded() const;
  bool holds(double number) const;
  bool operator==(const NumberSet&) const = default;
};
std::string text(
    const NumberSet& set);  // "binary", "integer 0..2", "multiples of 0.125 in 0..2", "real numbers"

NumberSet numbers_of_spec(const ValueSpec& spec);  // what its form and type alone prove
NumberSet sum(const NumberSet& a, const NumberSet& b);
NumberSet product(const NumberSet& a, const NumberSet& b);
NumberSet scaled(const NumberSet& set, double factor);
NumberSet repeated_sum(const NumberSet& set, Index count);  // of this many numbers
NumberSet with_zero(NumberSet set);

// What a rule sees of a node; specs hold all steps of a run and one sample.
struct NumberQuestion {
  const Operator& op;
  std::span<const NumberSet> in;
  std::span<const ValueSpec> in_specs;
  std::span<const ValueSpec> out_specs;
};
// Sets of the outputs; those that are missing are as numbers_of_spec says.
using NumberRule = std::function<std::vector<NumberSet>(const NumberQuestion&)>;
using NumberRules = std::map<std::string, NumberRule, std::less<>>;  // by op kind

// By node and output; a kind without a rule proves what its specs prove. A delayed edge also carries 0.
std::vector<std::vector<NumberSet>> infer_numbers(const Graph& graph, const NumberRules& rules, Index steps);
// What one edge carries, given the sets of all nodes.
NumberSet numbers_on(const InEdge& edge, const std::vector<std::vector<NumberSet>>& sets);

}  // namespace volley
