// What an operator claims of silence, on every operator of the shipped graphs and families.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "models/families/families.hpp"
#include "sim/graph/passes.hpp"
#include "tests/support/models.hpp"
#include "tests/support/run_op.hpp"

namespace volley {
namespace {

namespace fs = std::filesystem;

const fs::path source = VOLLEY_SOURCE_DIR;
constexpr Index steps = 4;

std::vector<std::string> all_specs() {
  std::vector<std::string> specs;
  for (const char* folder : {"examples", "tests/data"}) {
    for (const auto& entry : fs::recursive_directory_iterator(source / folder)) {
      if (entry.path().extension() == ".txtpb") {
        specs.push_back(entry.path().string());
      }
    }
  }
  std::sort(specs.begin(), specs.end());
  for (const char* family :
       {"spikformer:dim=32,heads=4,depth=1,image=16", "spikingformer:dim=32,heads=4,depth=1,image=16",
        "qkformer:dim=64,depth=3,image=16", "sdt-v1:dim=32,heads=4,depth=1,image=16",
        "spikingresformer:size=cifar10,dims=64/64/128,heads=1/1/2,pairs=1/1/1"}) {
    specs.push_back(family);
  }
  return specs;
}

// The last step of the first output, after some steps of silence by this kernel.
void expect_silence(const Operator& op, const Kernel& kernel, const std::vector<ValueSpec>& in_specs) {
  std::vector<Value> in;
  for (const ValueSpec& spec : in_specs) {
    in.push_back(make_value(spec));
  }
  std::vector<Value> out;
  for (const ValueSpec& spec : op.infer(in_specs, 1)) {
    out.push_back(out.empty() ? make_value(spec) : Value{});
  }
  const auto state = op.make_state(in_specs);
  for (Index t = 0; t < steps; ++t) {
    kernel.run({op, in, out, op.constants(), state.get(), {t, 1, steps}, cpu_backend(), 0, 1, 0});
    EXPECT_TRUE(is_silent(out[0])) << op.kind() << " " << kernel.name << " step " << t;
  }
  if (state != nullptr) {
    const auto rested = op.make_state(in_specs);
    op.idle(*rested, steps);
    EXPECT_EQ(std::memcmp(rested->bytes().data(), state->bytes().data(), state->bytes().size()), 0)
        << op.kind();
  }
}

std::set<std::string> checked, claimed;

void check_graph(const std::string& spec) {
  const Model model = load_model(test::runtime(), spec, Folding::keep);
  std::vector<std::vector<ValueSpec>> specs;
  try {
    specs = infer_specs(model.graph, 2, 1);
  } catch (const Error&) {
    return;  // needs several steps in one call: never in an executor that goes step by step
  }
  for (const NodeId node : model.graph.order()) {
    const Operator& op = model.graph.op(node);
    checked.insert(std::string(op.kind()));
    if (!op.silent_on_silence()) {
      continue;
    }
    claimed.insert(std::string(op.kind()));
    std::vector<ValueSpec> in_specs;
    for (const InEdge& edge : model.graph.in_edges(node)) {
      in_specs.push_back(specs[edge.from.node][edge.from.output]);
    }
    for (const Kernel& kernel : test::runtime().kernels.all(op.kind())) {
      if (kernel.accepts(op, in_specs).ok) {
        expect_silence(op, kernel, in_specs);
      }
    }
  }
}

TEST(Silence, IsAnsweredWithSilenceWhereAnOperatorSaysSo) {
  for (const std::string& spec : all_specs()) {
    SCOPED_TRACE(spec);
    check_graph(spec);
  }
  for (const char* kind :
       {"linear", "neuron.lif", "neuron.ternary", "attention.ssa", "pool.max", "merge.add"}) {
    EXPECT_TRUE(claimed.contains(kind)) << kind;
  }
  for (const char* kind : {"embed.position", "neuron.graded", "layer_norm"}) {
    EXPECT_TRUE(checked.contains(kind)) << kind;
    EXPECT_FALSE(claimed.contains(kind)) << kind;
  }
}

}  // namespace
}  // namespace volley
