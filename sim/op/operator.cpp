// Defaults of Operator.
#include "sim/op/operator.hpp"

#include "sim/base/check.hpp"

namespace volley {

void Operator::set_weight(std::string_view, const std::vector<Index>&, std::span<const float>) {
  VOLLEY_ASSERT(false);  // an operator with weight_slots() has its own
}

}  // namespace volley
