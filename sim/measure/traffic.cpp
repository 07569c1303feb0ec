// Bytes that a node moves, from its counts and specs.
#include "sim/measure/traffic.hpp"

#include "sim/op/foldable.hpp"

namespace volley {
namespace {

// The same value in one step of one sample.
ValueSpec once(ValueSpec spec) {
  for (const Axis axis : {Axis::T, Axis::B}) {
    if (spec.shape.has(axis)) {
      spec.shape = spec.shape.with(axis, 1);
    }
  }
  return spec;
}

double bits_per_place(const ValueSpec& spec) {
  if (!spec.is_dense()) {
    return spec.code.planes;
  }
  ValueSpec one = spec;
  one.shape = Shape{{Axis::T, 1}};
  return static_cast<double>(one.bytes()) * bits_per_byte;
}

Bytes bytes_of_places(Index places, const ValueSpec& spec) {
  return bytes_of_bits(static_cast<double>(places) * bits_per_place(spec));
}

Bytes weight_width(const Operator& op) {
  return bytes_of_bits(bits_per_place(spec_of(op.constants()[0])));
}

void add_weights(const NodeEntry& entry, const Operator& op, Traffic& traffic) {
  if (op.constants().empty()) {
    return;
  }
  for (const Value& constant : op.constants()) {
    const bool is_there = is_present(constant);
    traffic.weights_held += Bytes(is_there ? static_cast<double>(spec_of(constant).bytes()) : 0.0);
  }
  const Cost cost = entry.cost();
  // A linear map takes one number for each addition; other ops take one of each constant for each place.
  const bool is_linear_map = dynamic_cast<const Foldable*>(&op) != nullptr;
  const Index fetched = is_linear_map ? cost.ac + cost.mac + cost.add
                                      : entry.elements_out() * static_cast<Index>(op.constants().size());
  traffic.weights_fetched += weight_width(op) * static_cast<double>(fetched);
}

}  // namespace

Traffic& Traffic::operator+=(const Traffic& other) {
  for (Bytes Traffic::*part :
       {&Traffic::weights_fetched, &Traffic::weights_held, &Traffic::state_read, &Traffic::state_written,
        &Traffic::state_held, &Traffic::spikes_read, &Traffic::spikes_written, &Traffic::numbers_read,
        &Traffic::numbers_written, &Traffic::values_held}) {
    this->*part += other.*part;
  }
  spikes_sent += other.spikes_sent;
  return *this;
}

Traffic traffic_of(const NodeEntry& entry, const Operator& op, std::span<const ValueSpec> in) {
  Traffic traffic;
  std::vector<ValueSpec> one;
  Index places = 0;
  for (const ValueSpec& spec : in) {
    one.push_back(once(spec));
    places += one.back().shape.count();
  }
  Index elements_in = 0;
  for (const StepEntry& step : entry.steps) {
    elements_in += step.elements_in;
  }
  const Index calls = places > 0 ? elements_in / places : 0;  // steps x samples
  for (const ValueSpec& spec : one) {
    const Bytes read = bytes_of_places(spec.shape.count(), spec);
    (spec.is_dense() ? traffic.numbers_read : traffic.spikes_read) += read * static_cast<double>(calls);
    traffic.values_held += read;
  }
  const Bytes written = bytes_of_places(entry.elements_out(), entry.out);
  (entry.out.is_dense() ? traffic.numbers_written : traffic.spikes_written) += written;
  const ValueSpec out = once(entry.out);
  traffic.values_held += bytes_of_places(out.shape.count(), out);
  traffic.spikes_sent = entry.out.is_dense() ? 0 : entry.spikes_out();
  add_weights(entry, op, traffic);
  if (const auto state = in.empty() ? nullptr : op.make_state(one)) {
    traffic.state_held = Bytes(static_cast<double>(state->bytes().size()));
    traffic.state_read = traffic.state_written = traffic.state_held * static_cast<double>(calls);
  }
  return traffic;
}

}  // namespace volley
