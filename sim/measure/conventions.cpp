// The conventions, one function each.
#include "sim/measure/conventions.hpp"

#include <algorithm>
#include <array>

namespace volley {
namespace {

using Counted = std::optional<Count>;

Counted ac(Index count) {
  return Count{.ac = count};
}

Counted mac(Index count) {
  return Count{.mac = count};
}

Counted by_rate(double count) {
  return Count{.ac_by_rate = count, .ac_by_rate_of_v = count};
}

double rate(const Operand& operand) {
  return operand.size == 0 ? 0.0 : static_cast<double>(operand.nonzero) / static_cast<double>(operand.size);
}

bool is_attention(const Product& product) {
  return !product.b.is_weight;
}

Counted executed(const Product& product) {
  switch (product.driven) {
    case Driven::a:
      return ac(product.units_a);
    case Driven::b:
      return ac(product.units_b);
    case Driven::none:
      return mac(product.dense);
  }
  return {};
}

Counted event(const Product& product) {
  if (product.driven == Driven::none) {
    return mac(product.event_a);
  }
  return ac(product.driven == Driven::a ? product.event_a : product.event_b);
}

Counted weighted(const Product& product) {
  if (product.driven == Driven::none) {
    return mac(product.event_a);
  }
  return ac(product.driven == Driven::a ? product.units_a : product.units_b);
}

Counted coincidence(const Product& product) {
  return product.driven == Driven::none ? mac(product.coincidence) : ac(product.coincidence);
}

Counted neurobench(const Product& product) {
  if (is_attention(product)) {
    return {};
  }
  return product.a.numbers <= Numbers::ternary ? ac(product.coincidence) : mac(product.coincidence);
}

// b, when only it is binary, meets every place of the output, those on padding too.
Counted spikingjelly(const Product& product) {
  const bool a_is_binary = product.a.numbers == Numbers::binary;
  const bool b_is_binary = product.b.numbers == Numbers::binary;
  if (a_is_binary && b_is_binary) {
    return ac(product.coincidence);
  }
  if (a_is_binary) {
    return ac(product.event_a);
  }
  if (b_is_binary) {
    return ac(product.b.size == 0 ? 0 : product.dense_padded / product.b.size * product.b.nonzero);
  }
  return mac(product.dense_padded);
}

// A call is a step of a sample. The bias of a linear layer is counted once a call, that of a convolution for
// each number of the output.
Counted syops(const Product& product) {
  if (is_attention(product)) {
    return {};
  }
  const bool has_bias = product.bias > 0;
  const Index outputs = product.a.size == 0 ? 0 : product.dense / product.a.size;
  const Index bias = product.name == product_names::linear ? (has_bias ? outputs : 0) : product.bias;
  const Index all = product.dense_padded + bias;
  return product.a.numbers == Numbers::binary ? by_rate(rate(product.a) * static_cast<double>(all))
                                              : mac(all);
}

// T h N d^2 (min(r_k, r_v) + r_q), whatever the order. With A [R K] and B [K S]: R = dense / size of B, and
// so on.
Counted papers_attention(const Product& product) {
  const auto extent = [&](Index size) { return static_cast<double>(size == 0 ? 0 : product.dense / size); };
  const double rows = extent(product.b.size);
  const double columns = extent(product.a.size);
  if (product.name == product_names::query_key) {  // [N d] [d M]
    const double width = rows == 0 ? 0 : static_cast<double>(product.a.size) / rows;
    const double query = rate(product.a) * rows * width * width;
    return Count{.ac_by_rate = query + rate(product.b) * columns * width * width, .ac_by_rate_of_v = query};
  }
  if (product.name == product_names::score_value) {  // [N M] [M d]
    const double keys = rows == 0 ? 0 : static_cast<double>(product.a.size) / rows;
    return Count{.ac_by_rate = 0, .ac_by_rate_of_v = rate(product.b) * keys * columns * columns};
  }
  const auto dense = static_cast<double>(product.dense);
  if (product.name == product_names::key_value) {
    return Count{.ac_by_rate = rate(product.a) * dense, .ac_by_rate_of_v = rate(product.b) * dense};
  }
  return by_rate(rate(product.a) * dense);
}

Counted papers(const Product& product) {
  if (product.is_ssa) {
    return papers_attention(product);
  }
  if (is_attention(product) && product.driven != Driven::none) {
    return {};
  }
  const bool is_rate = !is_attention(product) && product.a.numbers == Numbers::binary;
  return is_rate ? by_rate(rate(product.a) * static_cast<double>(product.dense_padded))
                 : mac(product.dense_padded);
}

Counted dense_mac(const Product& product) {
  return mac(product.dense);
}

Counted dense_padded(const Product& product) {
  return mac(product.dense_padded);
}

constexpr std::array<Convention, 10> all{{
    {"executed", "what the engine did: unit events times fan-out; all pairs of real numbers", "volley",
     executed},
    {"event", "each input that is not 0 times its fan-out, a graded spike once", "volley", event},
    {"weighted", "as event, a spike of value c as c events", "volley", weighted},
    {"coincidence", "pairs of which neither is 0, weights of 0 skipped", "volley", coincidence},
    {"neurobench", "Effective_ACs and Effective_MACs: input in {-1, 0, 1} or not; no attention",
     "NeuroBench 2.3.0, SynapticOperations", neurobench},
    {"spikingjelly", "events of what is in {0, 1}; of two such the sum of the output; else MAC",
     "SpikingJelly 2.0.0, SynOpCounter and MACCounter", spikingjelly},
    {"syops", "rate x FLOPs with bias if the input is in {0, 1}, else MAC; no attention",
     "syops-counter 4232f77, ops.py", syops},
    {"papers", "rate x FLOPs if the input is binary, else MAC; SSA: T H N d^2 (min(r_k, r_v) + r_q)",
     "Spikformer, Spikingformer, its energy script at 4378623", papers},
    {"dense_mac", "all pairs, taps on padding left out", "shapes", dense_mac},
    {"dense_padded", "all pairs with taps on padding: FLOPs of papers", "shapes", dense_padded},
}};

}  // namespace

std::span<const Convention> conventions() {
  return all;
}

const Convention* find_convention(std::string_view id) {
  const auto at = std::find_if(all.begin(), all.end(), [&](const Convention& one) { return one.id == id; });
  return at == all.end() ? nullptr : &*at;
}

}  // namespace volley
