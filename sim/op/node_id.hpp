// Names of nodes and of their outputs, as numbers.
#pragma once

#include <compare>
#include <cstddef>

namespace volley {

using NodeId = std::size_t;  // dense, in the order in which nodes were added

// One output of one node.
struct Port {
  NodeId node = 0;
  std::size_t output = 0;
  auto operator<=>(const Port&) const = default;
};

}  // namespace volley
