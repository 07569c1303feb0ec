// Op kind x device -> kernels in order of preference, the reference last.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sim/backend/backend.hpp"
#include "sim/op/operator.hpp"
#include "sim/op/strip.hpp"

namespace volley {

// What a kernel promises beside the reference.
enum class Exactness : std::uint8_t {
  bits,       // the same bits on any input
  tolerance,  // rounding may differ
};

// Everything that a kernel may use. Outputs are allocated; an output that nobody asked for is absent.
struct Call {
  const Operator& op;
  std::span<const Value> in;
  std::span<const Value> out;
  std::span<const Value> constants;
  State* state = nullptr;
  StepRange steps;
  Backend& backend;
  std::uint64_t seed = 0;      // of the run
  std::uint32_t node_key = 0;  // of the node's name, for random numbers
  Index first_sample = 0;  // of this batch in the data, so that a sample's numbers don't depend on the batch
};

struct Verdict {
  bool ok = true;
  std::string_view why;  // "C is not a multiple of 64"
};
inline Verdict accepts_all(const Operator&, std::span<const ValueSpec>) {
  return {};
}

// A layer that hands its output to neurons instead of writing it; call.out is absent.
using RunInto = void (*)(const Call&, const StripSink&);
// Neurons that make such a sink and let the layer fill it; call.in is absent.
using FeedLayer = std::function<void(const StripSink&)>;
using RunFed = void (*)(const Call&, const FeedLayer& layer);

struct Kernel {
  std::string_view name;
  Device device = Device::cpu;
  Exactness exactness = Exactness::bits;
  Verdict (*accepts)(const Operator&, std::span<const ValueSpec> in) = accepts_all;
  void (*run)(const Call&) = nullptr;
  RunInto run_into = nullptr;  // nullptr: a layer that can't
  RunFed run_fed = nullptr;    // nullptr: neurons that can't. Same bits as run, both ways.
};

// The kernel that was chosen, and why those before it were not.
struct Choice {
  const Kernel* kernel = nullptr;  // nullptr: none accepts
  std::vector<std::string> refusals;
};

class KernelTable {
 public:
  void add(std::string_view kind, Kernel kernel);  // in order of preference; "reference" is added last
  // forced: the name of a kernel to take when it accepts; empty for the first that accepts.
  Choice choose(const Operator& op, std::span<const ValueSpec> in, Device device,
                std::string_view forced = {}) const;
  std::span<const Kernel> all(std::string_view kind) const;

 private:
  std::map<std::string, std::vector<Kernel>, std::less<>> kernels_;
};

}  // namespace volley
