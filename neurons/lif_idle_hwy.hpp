// Steps of zero input of the LIF that has to be fast, behind a plain signature.
#pragma once

#include <span>

#include "neurons/lif.hpp"

namespace volley {

// n steps of zero input; the bits of Lif::step.
// Precondition: a hard reset to 0 in the same step, so that no membrane fires.
void lif_idle_hwy(const Lif::Derived& derived, std::span<Lif::State> cells, Index n);

}  // namespace volley
