// Kinds of numbers.
#include "sim/op/product.hpp"

#include <array>

namespace volley {

Numbers numbers_of(const ValueSpec& spec) {
  if (spec.is_dense()) {
    return Numbers::real;
  }
  switch (spec.code.coding) {
    case Coding::binary:
      return Numbers::binary;
    case Coding::bipolar:
      return Numbers::ternary;
    case Coding::graded:
      return spec.code.planes == 1 ? Numbers::binary : Numbers::integer;
  }
  return Numbers::real;
}

std::string_view name(Numbers numbers) {
  constexpr std::array<std::string_view, 4> names{"binary", "ternary", "integer", "real"};
  return names[static_cast<std::size_t>(numbers)];
}

}  // namespace volley
