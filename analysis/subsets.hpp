// All subsets of a size, in index order.
#pragma once

#include <functional>

#include "analysis/independence.hpp"

namespace volley {

// Calls visit with each subset of `size` of `pool` (ascending) in lexicographic order until it returns true;
// true when it did.
inline bool any_subset(const Nodes& pool, Index size, const std::function<bool(const Nodes&)>& visit) {
  const Index n = static_cast<Index>(pool.size());
  if (size > n) {
    return false;
  }
  Nodes places(static_cast<std::size_t>(size));
  for (Index i = 0; i < size; ++i) {
    places[i] = i;
  }
  Nodes subset(places.size());
  while (true) {
    for (Index i = 0; i < size; ++i) {
      subset[i] = pool[places[i]];
    }
    if (visit(subset)) {
      return true;
    }
    Index last = size - 1;
    while (last >= 0 && places[last] == n - size + last) {
      --last;
    }
    if (last < 0) {
      return false;
    }
    ++places[last];
    for (Index i = last + 1; i < size; ++i) {
      places[i] = places[i - 1] + 1;
    }
  }
}

}  // namespace volley
