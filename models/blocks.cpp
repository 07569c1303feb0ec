// Writes a graph piece by piece.
#include "models/blocks.hpp"

#include <cmath>
#include <numbers>

#include "sim/base/rng.hpp"

namespace volley {
namespace {

// Two uniform numbers to one normal number (Box and Muller 1958).
float normal(std::uint64_t seed, std::uint32_t tensor, std::uint64_t index) {
  const double u = 1.0 - static_cast<double>(random_uniform(seed, tensor, 0, index));
  const double v = static_cast<double>(random_uniform(seed, tensor, 1, index));
  return static_cast<float>(std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v));
}

bool is_statistic(const std::string& tensor) {
  return tensor.ends_with(".mean") || tensor.ends_with(".variance");
}

}  // namespace

Index BuiltModel::parameter_count() const {
  Index count = 0;
  for (const auto& [name, tensor] : weights) {
    count += is_statistic(name) ? 0 : static_cast<Index>(tensor.numbers.size());
  }
  return count;
}

GraphWriter::GraphWriter(std::string name, std::uint64_t seed) : seed_(seed) {
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
  made.numbers.resize(static_cast<std::size_t>(*checked_count(made.sizes)));
  for (std::size_t i = 0; i < made.numbers.size(); ++i) {
    made.numbers[i] = static_cast<float>(deviation) * normal(seed_, key, i);
  }
  model_.weights[tensor] = std::move(made);
}

void GraphWriter::constant(const std::string& slot, Index size, float number) {
  const std::string tensor = last().name + "." + slot;
  last().weights[slot] = tensor;
  model_.weights[tensor] = {{size}, std::vector<float>(static_cast<std::size_t>(size), number)};
}

std::string GraphWriter::linear(const std::string& name, const std::string& in, Index inputs, Index outputs,
                                bool bias, double gain) {
  node(name, "linear", {in});
  weight("weight", {outputs, inputs}, gain / std::sqrt(static_cast<double>(inputs)));
  if (bias) {
    constant("bias", outputs, 0.0f);
  }
  return name;
}

std::string GraphWriter::conv2d(const std::string& name, const std::string& in, Index inputs, Index outputs,
                                Index kernel, Attributes attributes, double gain) {
  node(name, "conv2d", {in}, std::move(attributes));
  const auto fan_in = static_cast<double>(inputs * kernel * kernel);
  weight("weight", {outputs, inputs, kernel, kernel}, gain / std::sqrt(fan_in));
  return name;
}

std::string GraphWriter::batch_norm(const std::string& name, const std::string& in, Index channels) {
  node(name, "batch_norm", {in});
  constant("weight", channels, 1.0f);
  constant("bias", channels, 0.0f);
  constant("mean", channels, 0.0f);
  constant("variance", channels, 1.0f);
  return name;
}

std::string GraphWriter::lif(const std::string& name, const std::string& in, double threshold) {
  return node(name, "neuron.lif", {in}, {{"tau", 2.0}, {"threshold", threshold}});
}

void GraphWriter::output(const std::string& name, const std::string& from) {
  model_.description.outputs.push_back({name, from});
}

}  // namespace volley
