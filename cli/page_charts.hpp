// Charts of the tables of a report.
#pragma once

#include "cli/page.hpp"

namespace volley::cli {

// Adds the data of what cli/page.js draws of the tables "models" (of more than one row), "over_steps",
// "conventions" and "energy_models". Other tables have no chart.
void add_charts(PageParts& parts, const Report& report);

}  // namespace volley::cli
