// Energy of a cost under a hardware profile.
#include "sim/measure/energy.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace volley {

Energy energy_of(const Cost& cost, const Profile& profile) {
  for (const auto& [op, price] : profile.prices) {
    const bool known = std::any_of(cost_kinds.begin(), cost_kinds.end(),
                                   [&](const CostKind& kind) { return kind.name == op; });
    VOLLEY_CHECK(known, Fault::model, "profile '{}' prices '{}', which is no kind of operation", profile.id,
                 op);
  }
  Energy energy;
  for (const CostKind& kind : cost_kinds) {
    const Index count = cost.*kind.count;
    const auto price = profile.prices.find(std::string(kind.name));
    if (price != profile.prices.end()) {
      energy.picojoules += static_cast<double>(count) * price->second.picojoules;
    } else if (count > 0) {
      energy.unpriced.emplace_back(kind.name);
    }
  }
  return energy;
}

}  // namespace volley
