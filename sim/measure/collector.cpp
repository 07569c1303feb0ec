// Keeps the values of some ports.
#include "sim/measure/collector.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace volley {
namespace {

Tensor as_small_integers(const SpikeTensor& spikes) {
  const Tensor dense = unpack(spikes);
  Tensor small(Dtype::i8, spikes.shape());
  std::transform(dense.as<float>().begin(), dense.as<float>().end(), small.as_mutable<std::int8_t>().begin(),
                 [](float number) { return static_cast<std::int8_t>(number); });
  return small;
}

}  // namespace

void Collector::on_value(Port port, StepRange steps, Index first_sample, const Value& value) {
  const auto* spikes = std::get_if<SpikeTensor>(&value);
  const Tensor part = spikes != nullptr ? as_small_integers(*spikes) : as_dense(value);
  const Shape& shape = part.shape();
  if (!values_.contains(port)) {
    values_[port] = Tensor(part.dtype(), shape.with(Axis::T, steps.total).with(Axis::B, samples_));
  }
  const Index at = first_sample - first_;
  VOLLEY_ASSERT(at >= 0 && at + shape[Axis::B] <= samples_);
  const auto sample_bytes = static_cast<std::size_t>(shape.stride(Axis::B)) * size_of(part.dtype());
  const auto batch_bytes = sample_bytes * static_cast<std::size_t>(shape[Axis::B]);
  std::byte* const all = values_[port].storage().data();
  for (Index t = 0; t < shape[Axis::T]; ++t) {
    const std::byte* from = part.storage().data() + static_cast<std::size_t>(t) * batch_bytes;
    std::copy(from, from + batch_bytes,
              all + static_cast<std::size_t>((steps.first + t) * samples_ + at) * sample_bytes);
  }
}

bool Recorders::wants_cost() const {
  return std::any_of(all_.begin(), all_.end(), [](const Recorder* one) { return one->wants_cost(); });
}

bool Recorders::wants_value(Port port) const {
  return std::any_of(all_.begin(), all_.end(), [&](const Recorder* one) { return one->wants_value(port); });
}

bool Recorders::wants_time() const {
  return std::any_of(all_.begin(), all_.end(), [](const Recorder* one) { return one->wants_time(); });
}

bool Recorders::wants_products() const {
  return std::any_of(all_.begin(), all_.end(), [](const Recorder* one) { return one->wants_products(); });
}

void Recorders::on_products(NodeId node, Index step, Index sample, std::span<const Product> products) {
  for (Recorder* one : all_) {
    if (one->wants_products()) {
      one->on_products(node, step, sample, products);
    }
  }
}

void Recorders::on_cost(NodeId node, Index step, const Cost& cost, std::span<const Activity> in,
                        std::span<const Activity> out) {
  for (Recorder* one : all_) {
    if (one->wants_cost()) {
      one->on_cost(node, step, cost, in, out);
    }
  }
}

void Recorders::on_value(Port port, StepRange steps, Index first_sample, const Value& value) {
  for (Recorder* one : all_) {
    if (one->wants_value(port)) {
      one->on_value(port, steps, first_sample, value);
    }
  }
}

void Recorders::on_time(NodeId node, StepRange steps, std::int64_t nanoseconds) {
  for (Recorder* one : all_) {
    if (one->wants_time()) {
      one->on_time(node, steps, nanoseconds);
    }
  }
}

}  // namespace volley
