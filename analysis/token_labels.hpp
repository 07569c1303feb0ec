// Which group each token is in: image, text, left out.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "sim/base/device_fn.hpp"

namespace volley {

struct TokenLabels {
  static constexpr Index left_out = -1;

  std::vector<std::string> names;  // of the groups
  std::vector<Index> group;        // of each token; left_out: a special token that is not looked at

  Index size_of(Index which) const;
};

// text: "image:0-15,text:16-23,25": a name, then tokens or ranges with both ends; what has no name goes on
// with the group before it. Every one of the tokens is in one group. Throws Error (usage) for a text of
// another form, a token that isn't there, in two groups or in none.
TokenLabels read_token_labels(const std::string& text, Index tokens);
// How many tokens such a text speaks of: the greatest one in it and 1. Throws Error as above for its form.
Index tokens_named(const std::string& text);

// A number for each token; the groups are named by their numbers, from the least. Throws Error (model) when
// there are not as many as tokens.
TokenLabels labels_of(std::span<const Index> numbers, Index tokens);

// The same with these tokens left out. Throws Error (usage) for a token that isn't there.
TokenLabels without(TokenLabels labels, std::span<const Index> special);

}  // namespace volley
