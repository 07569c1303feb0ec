// Hardware profiles from files.
#pragma once

#include <string>
#include <string_view>

#include "sim/measure/energy.hpp"

namespace volley {

// .txtpb or .pb. Refused by name: a newer format_version; an op that does not exist or is there twice; a
// value that is negative or not finite; a value without a source; a kind other than published, derived,
// unverified; an unknown scope; SRAM points
// that do not ascend; a width of 0; a quoted name without a unit.
Profile read_profile(const std::string& path);
Profile parse_profile_text(std::string_view text, const std::string& what);

}  // namespace volley
