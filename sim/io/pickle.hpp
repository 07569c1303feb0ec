// A Python pickle read as data: nothing in it is ever executed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/device_fn.hpp"

namespace volley {

enum class PickleKind : std::uint8_t {
  none,
  boolean,
  integer,
  real,
  text,
  bytes,
  tuple,
  list,
  dict,        // items: key, value, key, value ...; collections.OrderedDict too
  global,      // text: "module name"
  call,        // items: what is called, its arguments, then (BUILD) its state; never carried out
  persistent,  // items: the id, something that stands outside the pickle
};
std::string_view name(PickleKind kind);

using PickleRef = std::uint32_t;

struct PickleNode {
  PickleKind kind = PickleKind::none;
  std::int64_t integer = 0;  // boolean, integer
  double real = 0;
  std::string text;  // text, bytes, global
  std::vector<PickleRef> items;
};

// Nodes may refer to each other in circles: whoever walks through them counts his steps.
struct Pickle {
  std::vector<PickleNode> nodes;
  PickleRef root = 0;

  const PickleNode& at(PickleRef ref) const { return nodes[ref]; }
  const PickleNode& value() const { return nodes[root]; }
  // Value behind a text key of a dict; nullptr when it isn't there. The last of equal keys counts.
  const PickleNode* find(const PickleNode& dict, std::string_view key) const;
};

// Protocols 0 to 5, of the opcodes those that torch.save and numpy write; others are refused by number, so
// are integers beyond 64 bits. what: file and entry, for messages. Memory grows with the number of opcodes.
Pickle read_pickle(std::span<const std::byte> bytes, const std::string& what);

}  // namespace volley
