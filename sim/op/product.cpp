// Names of the kinds of numbers.
#include "sim/op/product.hpp"

#include <array>

namespace volley {

std::string_view name(Numbers numbers) {
  constexpr std::array<std::string_view, 4> names{"binary", "ternary", "integer", "real"};
  return names[static_cast<std::size_t>(numbers)];
}

}  // namespace volley
