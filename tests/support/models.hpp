// Small models and their runs, for tests of executors.
#pragma once

#include <gtest/gtest.h>

#include "models/runtime.hpp"
#include "sim/measure/ledger.hpp"

namespace volley::test {

const Runtime& runtime();

// A graph text with its weights made at random: every tensor that a node names gets the sizes given here.
Model model_of(const std::string& graph_text, const Weights& weights, Folding folding = Folding::fold);

// Weights of a dyadic grid, so that sums are exact.
WeightTensor random_weight(std::vector<Index> sizes, std::uint64_t seed);

struct Result {
  std::map<Port, Tensor> values;  // outputs and all that was recorded
  std::map<NodeId, std::vector<Cost>> costs;
  std::map<NodeId, std::vector<Index>> spikes;
};
enum class Watch { outputs, spikes, everything };  // spikes: of every neuron, and the outputs
Result run_all(const Model& model, const InputData& data, RunSettings settings,
               Watch watch = Watch::everything);

testing::AssertionResult same(const Result& got, const Result& wanted);

}  // namespace volley::test
