// Pair by pair.
#include "analysis/graph_distance.hpp"

#include "sim/base/check.hpp"

namespace volley {
namespace {

template <class Visit>
void each_pair(const MixedGraph& one, const MixedGraph& other, Visit&& visit) {
  VOLLEY_ASSERT(one.size() == other.size());
  for (Index a = 0; a < one.size(); ++a) {
    for (Index b = a + 1; b < one.size(); ++b) {
      visit(a, b);
    }
  }
}

}  // namespace

double skeleton_f1(const MixedGraph& found, const MixedGraph& truth) {
  Index both = 0;
  Index one = 0;
  each_pair(found, truth, [&](Index a, Index b) {
    const bool is_found = found.adjacent(a, b);
    const bool is_true = truth.adjacent(a, b);
    both += is_found && is_true ? 1 : 0;
    one += is_found != is_true ? 1 : 0;
  });
  return both + one == 0 ? 1 : 2 * static_cast<double>(both) / static_cast<double>(2 * both + one);
}

Index structural_distance(const MixedGraph& found, const MixedGraph& truth) {
  Index distance = 0;
  each_pair(found, truth, [&](Index a, Index b) {
    distance += found.at(a, b) != truth.at(a, b) || found.at(b, a) != truth.at(b, a) ? 1 : 0;
  });
  return distance;
}

}  // namespace volley
