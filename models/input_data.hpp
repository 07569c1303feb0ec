// Arrays of a file as the inputs of a graph, sample by sample.
#pragma once

#include <optional>

#include "sim/exec/executor.hpp"
#include "sim/io/array.hpp"

namespace volley {

// An input without steps reads [S ...], one with steps [T S ...]; axes of size 1 may be missing in the file.
class InputData {
 public:
  // Throws Error that names the array: missing, of other sizes, of another number of samples or steps.
  InputData(const Graph& graph, Arrays arrays, std::vector<Index> labels, std::string source);

  Index samples() const { return samples_; }
  std::optional<Index> steps() const { return steps_; }  // of inputs with steps; nothing when there is none
  const std::vector<Index>& labels() const { return labels_; }  // empty, or one for each sample
  const std::string& source() const { return source_; }

  // Values of all inputs for the samples [first, first + count) and the first `steps` steps. Throws Error
  // when a number is not a spike where the graph wants spikes.
  std::map<NodeId, Value> batch(Index first, Index count, Index steps) const;

 private:
  struct Bound {
    NodeId node;
    const InputOp* op;
    std::string name;
    Array array;
  };
  void bind(NodeId node, const InputOp& op, const std::string& name, Array array);

  std::string source_;
  std::vector<Bound> bound_;
  std::vector<Index> labels_;
  Index samples_ = 0;
  std::optional<Index> steps_;
};

// Uniform numbers in [0, 1), or spikes of rate 0.2, as every input of the graph wants them.
Arrays random_arrays(const Graph& graph, Index samples, Index steps, std::uint64_t seed);

}  // namespace volley
