// What the operators of attention, time and tokens prove about their numbers.
#pragma once

#include "sim/graph/value_domains.hpp"

namespace volley {

// By op kind; number_rules() holds them too. Means of values hold 0 and what rounding adds.
NumberRules attention_number_rules();

}  // namespace volley
