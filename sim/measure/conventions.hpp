// How the field counts: each convention by name, formed from the same products.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "sim/op/product.hpp"

namespace volley {

// What a convention counts in a product, in one sample and step. Rates times sizes are no integers; they
// stand apart, so that the other counts stay exact.
struct Count {
  Index ac = 0, mac = 0;
  double ac_by_rate = 0;
  double ac_by_rate_of_v =
      0;  // the same, with the rate of v in place of that of k: of a node the smaller counts
};

struct Convention {
  std::string_view id;
  std::string_view description;
  std::string_view source;
  // Nothing: the convention has no count for such a product. That is not 0.
  std::optional<Count> (*count)(const Product& product);
};

// All of them, the executed one first.
std::span<const Convention> conventions();
// nullptr: no convention has this id.
const Convention* find_convention(std::string_view id);

}  // namespace volley
