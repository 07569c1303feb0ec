// Hardware profiles from files.
#pragma once

#include <string>
#include <string_view>

#include "sim/measure/energy.hpp"

namespace volley {

// .txtpb or .pb. Refused: an op that is no CostKind or is there twice, a value that is negative or not
// finite, a kind other than published, derived, unverified, a published or derived price without a source, an
// unknown scope.
Profile read_profile(const std::string& path);
Profile parse_profile_text(std::string_view text, const std::string& what);

}  // namespace volley
