// Arrays of a file as the inputs of a graph.
#include "models/input_data.hpp"

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/base/rng.hpp"

namespace volley {
namespace {

constexpr float random_rate = 0.2f;

std::vector<Index> without_ones(std::span<const Index> sizes) {
  std::vector<Index> rest;
  std::copy_if(sizes.begin(), sizes.end(), std::back_inserter(rest), [](Index size) { return size != 1; });
  return rest;
}

std::vector<Index> sizes_of(const Shape& shape) {
  std::vector<Index> sizes;
  for (const Extent& extent : shape.extents) {
    sizes.push_back(extent.size);
  }
  return sizes;
}

}  // namespace

InputData::InputData(const Graph& graph, Arrays arrays, std::vector<Index> labels, std::string source)
    : source_(std::move(source)), labels_(std::move(labels)) {
  for (const NodeId node : graph.inputs()) {
    const std::string& name = graph.node_name(node);
    const auto at = arrays.find(name);
    if (at == arrays.end()) {
      std::string all;
      for (const auto& [known, array] : arrays) {
        all += (all.empty() ? "" : ", ") + known;
      }
      fail(Fault::model, "{}: no array is named '{}' as the input of '{}'; it has: {}", source_, name,
           graph.name, all);
    }
    bind(node, dynamic_cast<const InputOp&>(graph.op(node)), name, std::move(at->second));
  }
  VOLLEY_CHECK(labels_.empty() || static_cast<Index>(labels_.size()) == samples_, Fault::model,
               "{}: {} labels for {} samples", source_, labels_.size(), samples_);
}

void InputData::bind(NodeId node, const InputOp& op, const std::string& name, Array array) {
  const bool per_step = op.description().per_step;
  const std::size_t leading = per_step ? 2 : 1;
  const std::vector<Index> wanted = sizes_of(op.description().type.shape);
  const std::string wanted_text = fmt::format("[{}S{}]", per_step ? "T, " : "", [&] {
    std::string all;
    for (const Index size : wanted) {
      all += fmt::format(", {}", size);
    }
    return all;
  }());
  VOLLEY_CHECK(array.sizes.size() >= leading &&
                   without_ones(std::span(array.sizes).subspan(leading)) == without_ones(wanted),
               Fault::model, "{}: array '{}' is {}, wanted {}", source_, name, text(array.sizes),
               wanted_text);
  const Index samples = array.sizes[leading - 1];
  VOLLEY_CHECK(samples > 0 && array.sizes[0] > 0, Fault::model, "{}: array '{}' is {}: no sample", source_,
               name, text(array.sizes));
  VOLLEY_CHECK(bound_.empty() || samples == samples_, Fault::model,
               "{}: array '{}' has {} samples, '{}' has {}", source_, name, samples, bound_.front().name,
               samples_);
  samples_ = samples;
  if (per_step) {
    VOLLEY_CHECK(!steps_ || *steps_ == array.sizes[0], Fault::model,
                 "{}: array '{}' has {} steps, another has {}", source_, name, array.sizes[0], *steps_);
    steps_ = array.sizes[0];
  }
  check_finite(array, name, source_);
  bound_.push_back({node, &op, name, std::move(array)});
}

std::map<NodeId, Value> InputData::batch(Index first, Index count, Index steps) const {
  std::map<NodeId, Value> values;
  for (const Bound& bound : bound_) {
    const ValueSpec spec = bound.op->spec(count, steps);
    Tensor dense(Dtype::f32, spec.shape);
    const Index sample_numbers = spec.shape.stride(Axis::B);
    const std::size_t number_bytes = size_of(bound.array.type);
    for (Index t = 0; t < spec.shape[Axis::T]; ++t) {
      const Index from = (t * samples_ + first) * sample_numbers;
      const auto numbers = static_cast<std::size_t>(count * sample_numbers);
      as_floats(bound.array.type,
                std::span(bound.array.bytes)
                    .subspan(static_cast<std::size_t>(from) * number_bytes, numbers * number_bytes),
                dense.as_mutable<float>().subspan(static_cast<std::size_t>(t) * numbers, numbers));
    }
    if (spec.is_dense()) {
      values[bound.node] = dense;
      continue;
    }
    try {
      values[bound.node] = pack(dense, spec.code);
    } catch (const Error& error) {
      fail(error.fault(), "{}: array '{}': {}", source_, bound.name, error.what());
    }
  }
  return values;
}

Arrays random_arrays(const Graph& graph, Index samples, Index steps, std::uint64_t seed) {
  Arrays arrays;
  for (const NodeId node : graph.inputs()) {
    const auto& op = dynamic_cast<const InputOp&>(graph.op(node));
    const ValueSpec spec = op.spec(samples, steps);
    std::vector<float> numbers(static_cast<std::size_t>(spec.shape.count()));
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const float uniform = random_uniform(seed, static_cast<std::uint32_t>(node), 0, i);
      numbers[i] = spec.is_dense() ? uniform : (uniform < random_rate ? 1.0f : 0.0f);
    }
    std::vector<Index> sizes = sizes_of(spec.shape);
    if (!op.description().per_step) {
      sizes.erase(sizes.begin());
    }
    arrays[graph.node_name(node)] = array_of(std::move(sizes), numbers);
  }
  return arrays;
}

}  // namespace volley
