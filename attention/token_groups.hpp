// Which tokens see each other: windows of an image, image and text apart.
#pragma once

#include <vector>

#include "attention/heads.hpp"
#include "sim/op/params.hpp"

namespace volley {

// Cuts a sequence into groups of neighbouring tokens that see themselves alone: N = M then.
// segments: size of each group, their sum is N; empty: all tokens see each other [tokens]. One number stands
// for all groups when they are of one size.
class TokenGroups {
 public:
  void visit(ParamVisitor& visitor);
  void check(const AttentionShape& shape) const;  // throws Error

  bool is_set() const { return !segments_.empty(); }
  // Of the group in which a token stands. Preconditions: is_set(), checked, token < N.
  Index first_of(Index token) const;
  Index size_of(Index token) const;

  Index pairs(const AttentionShape& shape) const;     // that see each other, in one slice
  Index greatest(const AttentionShape& shape) const;  // size of a group; without groups M

  // body(first query and key, queries, keys) for each group; without groups once, for all.
  template <class Body>
  void for_each(const AttentionShape& shape, const Body& body) const {
    if (!is_set()) {
      body(Index{0}, shape.queries, shape.keys);
      return;
    }
    for (Index first = 0; first < shape.keys;) {
      const Index size = size_of(first);
      body(first, size, size);
      first += size;
    }
  }

 private:
  std::vector<Index> segments_;
};

}  // namespace volley
