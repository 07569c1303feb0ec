// Writes a graph piece by piece.
#include "models/families/blocks.hpp"

#include <cmath>
#include <numbers>
#include <set>

#include "sim/base/check.hpp"
#include "sim/base/parallel.hpp"
#include "sim/base/rng.hpp"

namespace volley {
namespace {

// Two uniform numbers to one normal number (Box and Muller 1958).
float normal(std::uint64_t seed, std::uint32_t tensor, std::uint64_t index) {
  const double u = 1.0 - static_cast<double>(random_uniform(seed, tensor, 0, index));
  const double v = static_cast<double>(random_uniform(seed, tensor, 1, index));
  return static_cast<float>(std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v));
}

// Slots whose numbers are measured while a network trains, not trained.
bool is_statistic(const std::string& slot) {
  return slot == "mean" || slot == "variance" || slot.starts_with("firing_rate_");
}

std::string tensor_slot(const std::string& slot) {
  return slot == "mean" ? "running_mean" : slot == "variance" ? "running_var" : slot;
}

}  // namespace

Index BuiltModel::parameter_count() const {
  std::set<std::string> counted;
  Index count = 0;
  for (const NodeDescription& node : description.nodes) {
    for (const auto& [slot, tensor] : node.weights) {
      const auto at = weights.find(tensor);
      if (at != weights.end() && !is_statistic(slot) && counted.insert(tensor).second) {
        count += *checked_count(at->second.sizes);
      }
    }
  }
  return count;
}

GraphWriter::GraphWriter(std::string name, std::uint64_t seed, Draw draw) : seed_(seed), draw_(draw) {
  model_.description.name = std::move(name);
  model_.description.weights_file = model_.description.name + ".safetensors";
}

std::string GraphWriter::input(const std::string& name, Shape shape, bool per_step) {
  model_.description.inputs.push_back({name, {std::move(shape), Form::dense, {}}, per_step});
  return name;
}

std::string GraphWriter::node(const std::string& name, const std::string& op,
                              const std::vector<std::string>& in, Attributes attributes) {
  NodeDescription made{name, op, {}, std::move(attributes), {}};
  for (const std::string& from : in) {
    made.in.push_back({from, 0, {}});
  }
  model_.description.nodes.push_back(std::move(made));
  return name;
}

void GraphWriter::weight(const std::string& slot, std::vector<Index> sizes, double deviation) {
  const std::string tensor = last().name + "." + slot;
  last().weights[slot] = tensor;
  const auto key = static_cast<std::uint32_t>(model_.weights.size());
  WeightTensor made{std::move(sizes), {}};
  if (draw_ == Draw::numbers) {
    std::vector<float>& numbers = made.numbers.own();
    numbers.resize(static_cast<std::size_t>(*checked_count(made.sizes)));
    constexpr Index block = 4096;
    for_each_block(static_cast<Index>(numbers.size()), block, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        numbers[static_cast<std::size_t>(i)] =
            static_cast<float>(deviation) * normal(seed_, key, static_cast<std::uint64_t>(i));
      }
    });
  }
  model_.weights[tensor] = std::move(made);
}

void GraphWriter::constant(const std::string& slot, const std::string& tensor, std::vector<Index> sizes,
                           float number) {
  last().weights[slot] = tensor;
  WeightTensor made{std::move(sizes), {}};
  if (draw_ == Draw::numbers) {
    made.numbers.own().assign(static_cast<std::size_t>(*checked_count(made.sizes)), number);
  }
  model_.weights[tensor] = std::move(made);
}

std::string GraphWriter::linear(const std::string& name, const std::string& in, Index inputs, Index outputs,
                                bool bias, double gain, Index norm) {
  node(name, "linear", {in});
  if (norm != 1) {
    last().attributes["norm"] = static_cast<double>(norm);
  }
  weight("weight", {outputs, inputs}, gain / std::sqrt(static_cast<double>(inputs)));
  if (bias) {
    constant("bias", name + ".bias", {outputs}, 0.0f);
  }
  return name;
}

std::string GraphWriter::conv2d(const std::string& name, const std::string& in, const ConvSizes& sizes,
                                double gain) {
  node(name, "conv2d", {in},
       {{"padding", static_cast<double>(sizes.padding)}, {"stride", static_cast<double>(sizes.stride)}});
  if (sizes.groups != 1) {
    last().attributes["groups"] = static_cast<double>(sizes.groups);
  }
  if (sizes.norm != 1) {
    last().attributes["norm"] = static_cast<double>(sizes.norm);
  }
  const Index inputs = sizes.inputs / sizes.groups;
  const auto fan_in = static_cast<double>(inputs * sizes.kernel * sizes.kernel);
  weight("weight", {sizes.outputs, inputs, sizes.kernel, sizes.kernel}, gain / std::sqrt(fan_in));
  if (sizes.bias) {
    constant("bias", name + ".bias", {sizes.outputs}, 0.0f);
  }
  return name;
}

std::string GraphWriter::batch_norm(const std::string& name, const std::string& in, Index channels) {
  node(name, "batch_norm", {in});
  for (const auto& [slot, number] :
       {std::pair{"weight", 1.0f}, {"bias", 0.0f}, {"mean", 0.0f}, {"variance", 1.0f}}) {
    constant(slot, name + "." + tensor_slot(slot), {channels}, number);
  }
  return name;
}

std::string GraphWriter::neuron(const std::string& name, const std::string& in, double threshold) {
  switch (style_.kind) {
    case NeuronKind::lif:
      return node(name, "neuron.lif", {in}, {{"tau", style_.tau}, {"threshold", threshold}});
    case NeuronKind::plif:
      node(name, "neuron.plif", {in}, {{"threshold", threshold}});
      constant("w", name + ".w", {}, static_cast<float>(-std::log(style_.tau - 1.0)));
      return name;
    case NeuronKind::graded:
      break;
  }
  return node(name, "neuron.graded", {in}, {{"levels", static_cast<double>(style_.levels)}});
}

std::string GraphWriter::max_pool(const std::string& name, const std::string& in, Index stride) {
  return node(name, "pool.max", {in},
              {{"kernel", 3.0}, {"stride", static_cast<double>(stride)}, {"padding", 1.0}});
}

std::string GraphWriter::add(const std::string& name, const std::string& a, const std::string& b) {
  return node(name, "merge.add", {a, b});
}

void GraphWriter::output(const std::string& name, const std::string& from) {
  model_.description.outputs.push_back({name, from});
}

}  // namespace volley
