// Planted linear models, and their effects as rates of spikes.
#pragma once

#include <cstdint>

#include "analysis/correlation.hpp"
#include "analysis/mixed_graph.hpp"

namespace volley {

struct PlantSettings {
  Index nodes = 10;    // with the hidden ones
  double degree = 2;   // edges at a node in the mean; each pair is joined with degree / (nodes - 1)
  double least = 0.4;  // weight of an edge, uniform in [least, greatest] [1]
  double greatest = 0.9;
  bool positive = false;  // else half of the weights have a minus
  std::uint64_t seed = 0;
};

struct Planted {
  MixedGraph dag;
  SquareMatrix effects;  // A = (I - G)^-1: x = G x + u gives x = A u; rows: what it is an effect on
};
// A random DAG whose order is a random one of the nodes. Throws Error (usage) for settings that can't be.
Planted plant(const PlantSettings& settings);

struct RateCode {
  Index steps = 4;        // T
  double background = 0;  // added to every number, in units of the greatest of the map [1]
  std::uint64_t seed = 0;
};
// A map of counts: in each step a place fires with p = |a| / greatest |a| + background, both over
// 1 + background; the sign of a number is that of its spikes. What comes back is the mean over the steps.
SquareMatrix rate_coded(const SquareMatrix& map, const RateCode& code);

}  // namespace volley
