// Energy of a cost under a hardware profile.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/op/cost.hpp"

namespace volley {

// Energy of one operation and where the number comes from.
struct Price {
  double picojoules = 0;  // [pJ]
  std::string source;
  std::string kind;  // "published", "derived", "unverified"
};

// A hardware profile: a price for some kinds of operation; a kind without a price is unknown, which is not
// zero.
struct Profile {
  std::string id;
  std::string description;
  double process_nm = 0;                // [nm]
  double voltage = 0;                   // [V], 0: not stated
  std::vector<std::string> scope;       // "compute", "memory", "network", "static"
  std::map<std::string, Price> prices;  // by the name of a CostKind
};

struct Energy {
  double picojoules = 0;              // [pJ], of the priced kinds
  std::vector<std::string> unpriced;  // kinds that occurred and have no price
};

// Throws Error when the profile prices a kind that does not exist.
Energy energy_of(const Cost& cost, const Profile& profile);

}  // namespace volley
