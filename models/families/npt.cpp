// Non-parametric transformers of any size, dense and spiking.
#include "models/families/npt.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/base/check.hpp"
#include "sim/base/rng.hpp"

namespace volley {
namespace {

constexpr double norm_eps = 1e-12;           // of the released code
constexpr double sign_threshold = 0.015625;  // 2^-6: q and k are silent nearly nowhere

struct Sizes {
  Index width, heads, group;  // of the tokens; group 0: all see each other
};

Attributes tsn(double threshold) {
  return {{"form", std::string("tsn")}, {"tau", 0.5}, {"threshold", threshold}};
}

std::string layer_norm(GraphWriter& writer, const std::string& name, const std::string& in, Index width) {
  writer.node(name, "layer_norm", {in}, {{"eps", norm_eps}});
  writer.constant("weight", name + ".weight", {width}, 1.0f);
  writer.constant("bias", name + ".bias", {width}, 0.0f);
  return name;
}

double scale_of(const NptOptions& options, const Sizes& sizes) {
  switch (options.scale) {
    case NptScale::block_width:
      return 1.0 / std::sqrt(static_cast<double>(sizes.width));
    case NptScale::head_width:
      return 1.0 / std::sqrt(static_cast<double>(sizes.width / sizes.heads));
    case NptScale::none:
      break;
  }
  return 1.0;
}

std::string dense_attention(GraphWriter& writer, const NptOptions& options, const std::string& name,
                            const std::vector<std::string>& qkv, const Sizes& sizes) {
  const auto heads = static_cast<double>(sizes.heads);
  const auto group = static_cast<double>(sizes.group);
  if (options.score == NptScore::softmax) {
    return writer.node(name, "attention.softmax", qkv,
                       {{"heads", heads}, {"scale", scale_of(options, sizes)}, {"group", group}});
  }
  return writer.node(name, "attention.select", qkv,
                     {{"heads", heads}, {"rule", std::string("constant")}, {"group", group}});
}

std::string dense_block(GraphWriter& writer, const NptOptions& options, const std::string& name,
                        const std::string& x, const Sizes& sizes) {
  const Index width = sizes.width;
  const bool is_after = options.norm == NptNorm::after;
  const std::string normed = is_after ? x : layer_norm(writer, name + ".ln0", x, width);
  const std::string source = options.norm == NptNorm::all ? normed : x;
  const std::string q = writer.linear(name + ".q", normed, width, width, true);
  const std::string k = writer.linear(name + ".k", source, width, width, true);
  const std::string v = writer.linear(name + ".v", source, width, width, true);
  std::string y = dense_attention(writer, options, name + ".attn", {q, k, v}, sizes);
  y = writer.linear(name + ".mix", y, width, width, true);
  const std::string kept =
      options.residual_projection ? writer.linear(name + ".res", x, width, width, true) : x;
  std::string residual = writer.node(name + ".add", "merge.add", {kept, y});
  if (is_after) {
    residual = layer_norm(writer, name + ".ln0", residual, width);
  }
  y = is_after ? residual : layer_norm(writer, name + ".ln1", residual, width);
  y = writer.linear(name + ".fc1", y, width, 4 * width, true);
  y = writer.linear(name + ".fc2", writer.node(name + ".gelu", "gelu", {y}), 4 * width, width, true);
  y = writer.node(name + ".feed.add", "merge.add", {residual, y});
  return is_after ? layer_norm(writer, name + ".ln1", y, width) : y;
}

std::string spiking_block(GraphWriter& writer, const std::string& name, const std::string& x,
                          const Sizes& sizes) {
  const Index width = sizes.width;
  const auto ternary = [&](const std::string& node, const std::string& in, double threshold) {
    return writer.node(node, "neuron.ternary", {in}, tsn(threshold));
  };
  const std::string z = ternary(name + ".spikes", x, 1.0);
  const auto match = [&](const std::string& node) {
    return ternary(node, writer.linear(node + ".linear", z, width, width, true), sign_threshold);
  };
  const std::string q = match(name + ".q");
  const std::string k = match(name + ".k");
  const std::string v = writer.linear(name + ".v", z, width, width, true);
  std::string y = writer.node(name + ".attn", "attention.select", {q, k, v},
                              {{"heads", static_cast<double>(sizes.heads)},
                               {"rule", std::string("top")},
                               {"group", static_cast<double>(sizes.group)}});
  y = writer.linear(name + ".mix", ternary(name + ".attn.spikes", y, 1.0), width, width, true);
  const std::string residual = writer.node(name + ".add", "merge.add", {x, y});
  y = writer.linear(name + ".fc1", ternary(name + ".feed.spikes", residual, 1.0), width, 2 * width, true);
  y = writer.node(name + ".fc1.lif", "neuron.lif", {y}, {{"tau", 2.0}, {"threshold", 1.0}});
  y = writer.linear(name + ".fc2", y, 2 * width, width, true);
  return writer.node(name + ".feed.add", "merge.add", {residual, y});
}

Index columns_of(const NptOptions& options) {
  return static_cast<Index>(options.classes.size());
}

std::string block(GraphWriter& writer, const NptOptions& options, Index i, const std::string& x) {
  const std::string name = fmt::format("block{}", i);
  const bool is_between_rows = i % 2 == 0;
  const Index columns = columns_of(options);
  const Sizes sizes = is_between_rows ? Sizes{options.width * columns, options.heads, 0}
                                      : Sizes{options.width, std::min(options.heads, options.width), columns};
  std::string y =
      writer.node(name + ".tokens", is_between_rows ? "layout.rows_to_tokens" : "layout.tokens", {x});
  y = options.is_spiking ? spiking_block(writer, name, y, sizes)
                         : dense_block(writer, options, name, y, sizes);
  return is_between_rows ? writer.node(name + ".rows", "layout.tokens_to_rows", {y},
                                       {{"columns", static_cast<double>(columns)}})
                         : writer.node(name + ".rows", "layout.image", {y},
                                       {{"height", static_cast<double>(options.rows)},
                                        {"width", static_cast<double>(columns)}});
}

// Uniform numbers of this deviation for a slot of a node that stands in the model.
void give_weight(BuiltModel& model, const std::string& node, const std::string& slot,
                 std::vector<Index> sizes, double deviation, std::uint64_t seed) {
  const auto at = std::find_if(model.description.nodes.begin(), model.description.nodes.end(),
                               [&](const NodeDescription& each) { return each.name == node; });
  const std::string tensor = node + "." + slot;
  at->weights[slot] = tensor;
  const auto key = static_cast<std::uint32_t>(model.weights.size());
  WeightTensor made{std::move(sizes), {}};
  std::vector<float>& numbers = made.numbers.own();
  numbers.resize(static_cast<std::size_t>(*checked_count(made.sizes)));
  const auto half_width = static_cast<float>(deviation * std::sqrt(3.0));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = half_width * (2.0f * random_uniform(seed, key, 2, i) - 1.0f);
  }
  model.weights[tensor] = std::move(made);
}

void check(const NptOptions& options) {
  VOLLEY_CHECK(options.rows >= 1 && !options.classes.empty(), Fault::usage,
               "npt: a table of {} rows and {} columns, wanted at least one of each", options.rows,
               options.classes.size());
  VOLLEY_CHECK(options.target >= 0 && options.target < columns_of(options), Fault::usage,
               "npt: target is {}, wanted a column, 0 to {}", options.target, columns_of(options) - 1);
  VOLLEY_CHECK(options.width >= 1 && options.depth >= 1 && options.heads >= 1, Fault::usage,
               "npt: width, heads and depth must be 1 or more");
  VOLLEY_CHECK(options.width * columns_of(options) % options.heads == 0 &&
                   options.width % std::min(options.heads, options.width) == 0,
               Fault::usage, "npt: heads is {}, wanted a divisor of width {} and of width times columns {}",
               options.heads, options.width, options.width * columns_of(options));
}

}  // namespace

BuiltModel build_npt(const NptOptions& options) {
  check(options);
  const Index columns = columns_of(options);
  GraphWriter writer("npt", options.seed);
  const Shape table{{Axis::Y, options.rows}, {Axis::X, columns}};
  const std::vector<std::string> inputs{writer.input("values", table), writer.input("mask", table)};
  std::string x =
      writer.node("embed", "embed.columns", inputs,
                  {{"classes", std::vector<double>(options.classes.begin(), options.classes.end())}});
  if (options.is_spiking) {
    x = writer.node("encode", "encode.direct", {x});
  }
  for (Index i = 0; i < options.depth; ++i) {
    x = block(writer, options, i, x);
  }
  if (options.is_spiking) {
    x = writer.node("mean", "readout.mean", {x}, {{"axes", std::string("T")}});
  }
  const Index target_size = std::max(options.classes[static_cast<std::size_t>(options.target)], Index{1});
  std::vector<double> outputs(options.classes.size(), 0.0);
  outputs[static_cast<std::size_t>(options.target)] = static_cast<double>(target_size);
  writer.output("logits", writer.node("head", "readout.columns", {x}, {{"outputs", outputs}}));

  BuiltModel model = writer.take();
  const Index encoded =
      std::accumulate(options.classes.begin(), options.classes.end(), Index{0},
                      [](Index sum, Index count) { return sum + std::max(count, Index{1}) + 1; });
  const auto numeric = std::count(options.classes.begin(), options.classes.end(), Index{0});
  give_weight(model, "embed", "weight", {options.width, encoded}, 1.0, options.seed);
  give_weight(model, "embed", "bias", {columns, options.width}, 0.0, options.seed);
  give_weight(model, "embed", "index", {columns, options.width}, 0.5, options.seed);
  if (numeric > 0 &&
      numeric < columns) {  // the released code has no type embedding where all columns are of one kind
    give_weight(model, "embed", "type", {2, options.width}, 0.1, options.seed);
  }
  const double fan_in = std::sqrt(static_cast<double>(options.width));
  give_weight(model, "head", "weight", {target_size, options.width}, 1.0 / fan_in, options.seed);
  give_weight(model, "head", "bias", {target_size}, 0.0, options.seed);
  return model;
}

}  // namespace volley
