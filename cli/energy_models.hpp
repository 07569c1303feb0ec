// One run under every energy model: what a number means depends on what it holds.
#pragma once

#include "cli/command.hpp"

namespace volley::cli {

// A row for each model and profile: computing alone, with memory, on chips, by Lemaire. plan: of one sample.
// A model that can't price the run says why in place of a number.
Table energy_models_table(const Plan& plan, const Ledger& ledger, Index samples);

}  // namespace volley::cli
