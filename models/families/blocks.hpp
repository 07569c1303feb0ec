// Writes a graph piece by piece: layers with random weights, neurons, residuals.
#pragma once

#include <string>

#include "sim/graph/description.hpp"

namespace volley {

// A description with weights: what a builder makes and a file holds.
struct BuiltModel {
  Description description;
  Weights weights;

  // Trained numbers that nodes read, each tensor once: weights, biases, gains; not running statistics or
  // rates.
  Index parameter_count() const;
};

// sizes: tensors have their sizes and no numbers, so that a large model can be counted in no time.
enum class Draw : std::uint8_t { numbers, sizes };

enum class NeuronKind : std::uint8_t { lif, plif, graded };

// What GraphWriter::neuron writes.
struct NeuronStyle {
  NeuronKind kind = NeuronKind::lif;
  double tau = 2.0;  // of lif, and where the tau of plif starts [steps]
  Index levels = 4;  // of graded [1]
};

struct ConvSizes {
  Index inputs = 0, outputs = 0, kernel = 3;
  Index stride = 1, padding = 0, groups = 1;
  bool bias = false;
  Index norm = 1;  // a graded spike c stands for c / norm
};

// Every call adds nodes and returns the name of the last one, to be read by the next call.
//
// Names: a node that exists in the authors' code has its module path there, "block.0.attn.q_bn"; what has no
// module there (sums, pools, layouts) has a name below the module that it belongs to. A tensor is named as
// its key in a published checkpoint: the node, a dot, and the slot, where the slots mean and variance of a
// batch norm are called running_mean and running_var. So the map from keys to tensors is the identity.
class GraphWriter {
 public:
  GraphWriter(std::string name, std::uint64_t seed, Draw draw = Draw::numbers);

  std::string input(const std::string& name, Shape shape, bool per_step = false);
  std::string node(const std::string& name, const std::string& op, const std::vector<std::string>& in,
                   Attributes attributes = {});
  // Weights are normal with variance gain^2 / fan_in, biases 0.
  std::string linear(const std::string& name, const std::string& in, Index inputs, Index outputs, bool bias,
                     double gain = 1.0, Index norm = 1);
  std::string conv2d(const std::string& name, const std::string& in, const ConvSizes& sizes,
                     double gain = 1.0);
  // Statistics 0 and 1, gain 1, bias 0: as a new network has them.
  std::string batch_norm(const std::string& name, const std::string& in, Index channels);
  // In the writer's style; threshold is not for graded.
  std::string neuron(const std::string& name, const std::string& in, double threshold = 1.0);
  std::string max_pool(const std::string& name, const std::string& in, Index stride = 2);  // 3 x 3, rim 1
  std::string add(const std::string& name, const std::string& a, const std::string& b);
  // The slot of the last node reads a new tensor, all of whose numbers are this one.
  void constant(const std::string& slot, const std::string& tensor, std::vector<Index> sizes, float number);
  void output(const std::string& name, const std::string& from);

  void set_neuron(const NeuronStyle& style) { style_ = style; }
  BuiltModel take() { return std::move(model_); }

 private:
  void weight(const std::string& slot, std::vector<Index> sizes, double deviation);
  NodeDescription& last() { return model_.description.nodes.back(); }

  BuiltModel model_;
  std::uint64_t seed_;
  Draw draw_;
  NeuronStyle style_;
};

}  // namespace volley
