// Groups of tokens: checks and look-up.
#include "attention/token_groups.hpp"

#include <algorithm>
#include <numeric>

#include "sim/base/check.hpp"

namespace volley {

void TokenGroups::visit(ParamVisitor& visitor) {
  visitor.integers("segments", segments_,
                   "sizes of groups of neighbouring tokens that see themselves alone, one for all if they "
                   "are the same; none: all see each other [tokens]");
}

void TokenGroups::check(const AttentionShape& shape) const {
  if (!is_set()) {
    return;
  }
  for (const Index size : segments_) {
    VOLLEY_CHECK(size >= 1 && size <= shape.keys, Fault::model, "segments holds {}, wanted 1 to {} tokens",
                 size, shape.keys);
  }
  VOLLEY_CHECK(shape.keys == shape.queries, Fault::model,
               "N of k is {}, wanted {} as in q: there are segments", shape.keys, shape.queries);
  const Index sum = std::accumulate(segments_.begin(), segments_.end(), Index{0});
  const bool fits = segments_.size() == 1 ? shape.keys % segments_[0] == 0 : sum == shape.keys;
  VOLLEY_CHECK(fits, Fault::model, "the segments are {} tokens, wanted N = {} or one size that divides it",
               sum, shape.keys);
}

Index TokenGroups::first_of(Index token) const {
  if (segments_.size() == 1) {
    return token - token % segments_[0];
  }
  Index first = 0;
  for (const Index size : segments_) {
    if (token < first + size) {
      break;
    }
    first += size;
  }
  return first;
}

Index TokenGroups::size_of(Index token) const {
  if (segments_.size() == 1) {
    return segments_[0];
  }
  Index end = 0;
  for (const Index size : segments_) {
    end += size;
    if (token < end) {
      return size;
    }
  }
  return 0;
}

Index TokenGroups::pairs(const AttentionShape& shape) const {
  Index sum = 0;
  for_each(shape, [&](Index, Index queries, Index keys) { sum += queries * keys; });
  return sum;
}

Index TokenGroups::greatest(const AttentionShape& shape) const {
  Index most = 0;
  for_each(shape, [&](Index, Index, Index keys) { most = std::max(most, keys); });
  return most;
}

}  // namespace volley
