// Profiles for tests of energy, and the text of a refusal.
#pragma once

#include <string>

#include "sim/base/check.hpp"
#include "sim/measure/energy.hpp"

namespace volley::test {

// 64 bits: 8 KB 10, 32 KB 20, 1 MB 100 pJ; DRAM 1300 pJ; ac 0.9, mac 4.6 pJ.
inline Profile horowitz_memory() {
  Profile profile;
  profile.id = "memory";
  profile.prices["ac"] = {0.9, "s", "published"};
  profile.prices["mac"] = {4.6, "s", "published"};
  const auto point = [](double bytes, double pj) {
    return SramPoint{Bytes(bytes), PicojoulesPerAccess(pj), PicojoulesPerAccess(pj)};
  };
  profile.sram = SramLine{bytes_of_bits(64) / Accesses(1),
                          {point(8192, 10), point(32768, 20), point(1048576, 100)},
                          {"s", "published"}};
  profile.dram =
      DramPrice{Picojoules(1300) / bytes_of_bits(64), "1300 pJ per access of 64 bits", {"s", "published"}};
  return profile;
}

template <class F>
std::string refusal_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace volley::test
