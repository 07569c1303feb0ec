// Folds the chains of RepConv into one convolution of spikes.
#include "models/families/repconv.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <span>

#include "sim/base/check.hpp"
#include "sim/base/parallel.hpp"
#include "sim/ops/affine.hpp"

namespace volley {
namespace {

using Node = NodeDescription;

double number_of(const Node& node, const std::string& attribute, double otherwise) {
  const auto at = node.attributes.find(attribute);
  const auto* number = at == node.attributes.end() ? nullptr : std::get_if<double>(&at->second);
  return number == nullptr ? otherwise : *number;
}

struct Chain {
  const Node *first, *norm, *depthwise, *last;
};

class Search {
 public:
  explicit Search(const BuiltModel& built) : built_(built) {
    for (const Node& node : built.description.nodes) {
      nodes_[node.name] = &node;
      for (const EdgeDescription& edge : node.in) {
        ++readers_[edge.from];
      }
    }
    for (const OutputDescription& output : built.description.outputs) {
      ++readers_[output.from];
    }
  }

  std::optional<Chain> chain_to(const Node& last) const {
    Chain chain{nullptr, nullptr, nullptr, &last};
    if (!is_pointwise(last, 0.0) || !(chain.depthwise = only_source(last)) ||
        !is_depthwise(*chain.depthwise) || !(chain.norm = only_source(*chain.depthwise)) ||
        chain.norm->op != BatchNorm::op_kind || !(chain.first = only_source(*chain.norm)) ||
        !is_pointwise(*chain.first, std::nullopt)) {
      return std::nullopt;
    }
    return chain;
  }

  const WeightTensor* weight(const Node& node, const std::string& slot) const {
    const auto name = node.weights.find(slot);
    const auto at = name == node.weights.end() ? built_.weights.end() : built_.weights.find(name->second);
    return at == built_.weights.end() ? nullptr : &at->second;
  }

 private:
  // What the node reads, when nobody else does and no delay lies between.
  const Node* only_source(const Node& node) const {
    if (node.in.size() != 1 || node.in[0].delay != 0) {
      return nullptr;
    }
    const auto at = nodes_.find(node.in[0].from);
    return at != nodes_.end() && readers_.at(at->first) == 1 ? at->second : nullptr;
  }

  // The sizes of a plain convolution's weight: no bias, no stride, no norm.
  const std::vector<Index>* sizes_of(const Node& node) const {
    const WeightTensor* found = node.op == "conv2d" ? weight(node, "weight") : nullptr;
    const bool is_plain = found != nullptr && found->sizes.size() == 4 && node.weights.size() == 1 &&
                          number_of(node, "stride", 1) == 1 && number_of(node, "norm", 1) == 1 &&
                          static_cast<Index>(found->numbers.size()) == *checked_count(found->sizes);
    return is_plain ? &found->sizes : nullptr;
  }
  bool is_pointwise(const Node& node, std::optional<double> padding) const {
    const auto* sizes = sizes_of(node);
    return sizes != nullptr && (*sizes)[2] == 1 && (*sizes)[3] == 1 && number_of(node, "groups", 1) == 1 &&
           number_of(node, "padding", 0) == padding.value_or(number_of(node, "padding", 0));
  }
  bool is_depthwise(const Node& node) const {
    const auto* sizes = sizes_of(node);
    return sizes != nullptr && (*sizes)[1] == 1 && (*sizes)[2] == (*sizes)[3] && (*sizes)[2] > 1 &&
           number_of(node, "groups", 1) == static_cast<double>((*sizes)[0]) &&
           number_of(node, "padding", 0) == 0;
  }

  const BuiltModel& built_;
  std::map<std::string, const Node*> nodes_;
  std::map<std::string, int> readers_;
};

struct FoldedConv {
  WeightTensor weight, bias;
};

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

// One output: its taps of all inputs, and its bias. reads: P[o c] of this output; depth: D[c tap].
struct OutputFold {
  std::span<const float> scale, shift, first, depth;
  Index channels, inputs, taps;

  double fold(const float* reads, std::vector<double>& sums) const {
    sums.assign(at(taps * inputs), 0.0);
    double bias = 0;
    for (Index c = 0; c < channels; ++c) {
      for (Index tap = 0; tap < taps; ++tap) {
        const double path = double{reads[c]} * double{depth[at(c * taps + tap)]};
        bias += path * double{shift[at(c)]};
        const double factor = path * double{scale[at(c)]};
        const float* from = first.data() + c * inputs;
        double* to = sums.data() + tap * inputs;
        for (Index i = 0; i < inputs; ++i) {
          to[i] += factor * double{from[i]};
        }
      }
    }
    return bias;
  }
};

FoldedConv folded(const Search& search, const Chain& chain) {
  BatchNorm norm;
  parse_params(norm, chain.norm->name, chain.norm->attributes);
  for (const auto& entry : chain.norm->weights) {
    const WeightTensor* tensor = search.weight(*chain.norm, entry.first);
    norm.set_weight(entry.first, tensor->sizes, tensor->numbers);
  }
  const std::vector<float> scale = norm.scale();
  const std::vector<float> shift = norm.shift();
  const WeightTensor& first = *search.weight(*chain.first, "weight");
  const WeightTensor& depthwise = *search.weight(*chain.depthwise, "weight");
  const WeightTensor& last = *search.weight(*chain.last, "weight");
  const Index channels = first.sizes[0];
  const Index inputs = first.sizes[1];
  const Index outputs = last.sizes[0];
  const Index side = depthwise.sizes[2];
  const Index taps = side * side;
  FoldedConv out{{{outputs, inputs, side, side}, {}}, {{outputs}, {}}};
  std::vector<float>& weight = out.weight.numbers.own();
  std::vector<float>& bias = out.bias.numbers.own();
  weight.resize(at(outputs * inputs * taps));
  bias.resize(at(outputs));
  const OutputFold fold{scale, shift, first.numbers, depthwise.numbers, channels, inputs, taps};
  for_each_block(outputs, 1, [&](Index o, Index) {
    thread_local std::vector<double> sums;
    bias[at(o)] = static_cast<float>(fold.fold(last.numbers.data() + o * channels, sums));
    for (Index i = 0; i < inputs; ++i) {
      for (Index tap = 0; tap < taps; ++tap) {
        weight[at((o * inputs + i) * taps + tap)] = static_cast<float>(sums[at(tap * inputs + i)]);
      }
    }
  });
  return out;
}

// Do the channels of a chain fit, and are all tensors of its norm there?
bool is_whole(const Search& search, const Chain& chain) {
  const Index channels = search.weight(*chain.first, "weight")->sizes[0];
  const bool norms =
      std::all_of(chain.norm->weights.begin(), chain.norm->weights.end(), [&](const auto& entry) {
        const WeightTensor* tensor = search.weight(*chain.norm, entry.first);
        return tensor != nullptr && static_cast<Index>(tensor->numbers.size()) == channels;
      });
  return norms && chain.norm->weights.contains("mean") && chain.norm->weights.contains("variance") &&
         search.weight(*chain.depthwise, "weight")->sizes[0] == channels &&
         search.weight(*chain.last, "weight")->sizes[1] == channels;
}

}  // namespace

std::optional<FoldedModel> fold_repconv(const BuiltModel& built) {
  const Search search(built);
  std::map<std::string, Chain> chains;  // by the name of the last node
  std::set<std::string> gone;
  for (const Node& node : built.description.nodes) {
    const auto chain = search.chain_to(node);
    if (chain && is_whole(search, *chain)) {
      chains.emplace(node.name, *chain);
      gone.insert({chain->first->name, chain->norm->name, chain->depthwise->name});
    }
  }
  if (chains.empty()) {
    return std::nullopt;
  }
  FoldedModel out{{built.description, {}}, {}};
  auto& nodes = out.model.description.nodes;
  std::set<std::string> replaced;
  nodes.erase(
      std::remove_if(nodes.begin(), nodes.end(), [&](const Node& node) { return gone.contains(node.name); }),
      nodes.end());
  for (Node& node : nodes) {
    const auto found = chains.find(node.name);
    if (found == chains.end()) {
      continue;
    }
    const Chain& chain = found->second;
    for (const Node* part : {chain.first, chain.norm, chain.depthwise, chain.last}) {
      for (const auto& entry : part->weights) {
        replaced.insert(entry.second);
      }
    }
    FoldedConv conv = folded(search, chain);
    node.in = chain.first->in;
    node.attributes = {{"padding", number_of(*chain.first, "padding", 0)}, {"stride", 1.0}};
    node.weights = {{"weight", node.name + ".folded_weight"}, {"bias", node.name + ".folded_bias"}};
    out.model.weights[node.weights.at("weight")] = std::move(conv.weight);
    out.model.weights[node.weights.at("bias")] = std::move(conv.bias);
    out.notes.push_back(fmt::format("{} to {} folded into one convolution", chain.first->name, node.name));
  }
  for (const auto& [name, tensor] : built.weights) {
    if (!replaced.contains(name)) {
      out.model.weights[name] = tensor;
    }
  }
  return out;
}

}  // namespace volley
