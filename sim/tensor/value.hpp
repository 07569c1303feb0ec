// What an edge carries: dense numbers, spikes or events; and what is known of it before a run.
#pragma once

#include <variant>

#include "sim/tensor/event_list.hpp"
#include "sim/tensor/spike_tensor.hpp"
#include "sim/tensor/tensor.hpp"

namespace volley {

enum class Form : std::uint8_t { dense, spikes, events };

// dtype belongs to dense, code to spikes and events.
struct ValueSpec {
  Form form = Form::dense;
  Dtype dtype = Dtype::f32;
  SpikeCode code;
  Shape shape;

  bool operator==(const ValueSpec& other) const;
  bool is_dense() const { return form == Form::dense; }
  bool is_spikes() const { return form == Form::spikes; }
  std::size_t bytes() const;  // 0 for events: their size is known only when they are there
};
ValueSpec dense_spec(Shape shape, Dtype dtype = Dtype::f32);
ValueSpec spike_spec(Shape shape, SpikeCode code);
std::string domain(const ValueSpec& spec);  // "f32", "binary", "bipolar", "graded 4", "events of binary"
std::string text(const ValueSpec& spec);    // "binary [T=4 B=1 N=16 C=64]"

// Copies share the numbers; read-only once written. Empty (monostate): an output that nobody asked for.
using Value = std::variant<std::monostate, Tensor, SpikeTensor, EventList>;

bool is_present(const Value& value);
Value make_value(const ValueSpec& spec, Storage storage);
Value make_value(const ValueSpec& spec);  // zeros on the host
ValueSpec spec_of(const Value& value);
const Shape& shape_of(const Value& value);                     // of a present value
bool is_silent(const Value& value);                            // all bits 0: no spike, no number but +0
void clear(const Value& value);                                // makes it so; not for events
Value steps_of(const Value& value, Index first, Index count);  // a view; not for events
Value sample_of(const Value& value, Index sample);             // one sample of a value with T = 1: a view
Value copy_of(const Value& value);                             // numbers of its own, on the host
void copy_into(const Value& from, const Value& to);            // same spec
Tensor as_dense(const Value& value);                           // float32: itself, unpacked or scattered

}  // namespace volley
