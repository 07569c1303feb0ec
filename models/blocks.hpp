// Writes a graph piece by piece: layers with random weights, neurons, residuals.
#pragma once

#include <string>

#include "sim/graph/description.hpp"

namespace volley {

// A description with weights: what a builder makes and a file holds.
struct BuiltModel {
  Description description;
  Weights weights;

  Index parameter_count() const;  // trained numbers: weights, biases, gains; not running statistics
};

// Every call adds nodes and returns the name of the last one, to be read by the next call.
class GraphWriter {
 public:
  GraphWriter(std::string name, std::uint64_t seed);

  std::string input(const std::string& name, Shape shape, bool per_step = false);
  std::string node(const std::string& name, const std::string& op, const std::vector<std::string>& in,
                   Attributes attributes = {});
  // Weights are normal with variance gain^2 / fan_in, biases 0.
  std::string linear(const std::string& name, const std::string& in, Index inputs, Index outputs, bool bias,
                     double gain = 1.0);
  std::string conv2d(const std::string& name, const std::string& in, Index inputs, Index outputs,
                     Index kernel, Attributes attributes, double gain = 1.0);
  // Statistics 0 and 1, gain 1, bias 0: as a new network has them.
  std::string batch_norm(const std::string& name, const std::string& in, Index channels);
  std::string lif(const std::string& name, const std::string& in, double threshold = 1.0);
  void output(const std::string& name, const std::string& from);

  BuiltModel take() { return std::move(model_); }

 private:
  void weight(const std::string& slot, std::vector<Index> sizes, double deviation);
  void constant(const std::string& slot, Index size, float number);
  NodeDescription& last() { return model_.description.nodes.back(); }

  BuiltModel model_;
  std::uint64_t seed_;
};

}  // namespace volley
