// NIR's layers without state.
#include <algorithm>

#include "models/exchange/nir_node.hpp"
#include "sim/base/check.hpp"

namespace volley {
namespace {

void add_bias(NirNodeWriter& node, const NirSignal& out) {
  if (node.has("bias")) {
    const std::vector<float> bias = as_floats(node.array("bias"));
    VOLLEY_CHECK(static_cast<Index>(bias.size()) == out.channels, Fault::model,
                 "bias has {} numbers, wanted {}", bias.size(), out.channels);
    if (std::any_of(bias.begin(), bias.end(), [](float b) { return b != 0; })) {
      node.weight("bias", {out.channels}, bias);
    }
  }
}

NirSignal linear(NirNodeWriter& node, const NirSignal& in) {
  const Array& w = node.array("weight");
  const Index fan_in = w.sizes.size() == 2 ? w.sizes[1] : -1;
  VOLLEY_CHECK(!in.is_image && fan_in == in.channels, Fault::model,
               "weight is {}, wanted [outputs, {}] for an input of {}", volley::text(w.sizes), in.channels,
               in.text());
  NirSignal out = in;
  out.from = node.add(node.name(), "linear", {in});
  out.delay = 0;
  out.spikes = false;
  out.channels = w.sizes[0];
  node.weight("weight", w.sizes, as_floats(w));
  add_bias(node, out);
  return out;
}

Index padding(const NirNodeWriter& node, Index kernel) {
  const std::string* word = node.word("padding");
  if (word == nullptr) {
    return node.square("padding", 0);
  }
  VOLLEY_CHECK(*word == "valid" || *word == "same", Fault::model,
               "padding is '{}', wanted numbers, valid or same", *word);
  VOLLEY_CHECK(*word == "valid" || kernel % 2 == 1, Fault::model,
               "padding is same with a kernel of {}, wanted an odd one", kernel);
  return *word == "valid" ? 0 : (kernel - 1) / 2;
}

// A few numbers of a file can't ask for much memory.
void check_weights(Index count) {
  constexpr Index most = Index{1} << 26;
  VOLLEY_CHECK(count <= most, Fault::model, "needs a kernel of {} numbers, wanted at most {}", count, most);
}

NirSignal convolution(NirNodeWriter& node, const NirSignal& in, bool one_axis) {
  Array w = node.array("weight");
  VOLLEY_CHECK(w.sizes.size() == (one_axis ? 3u : 4u) && in.is_image && (!one_axis || in.height == 1),
               Fault::model, "weight is {} and the input {}", volley::text(w.sizes), in.text());
  VOLLEY_CHECK(node.square("dilation", 1) == 1, Fault::model, "dilation is {}, wanted 1",
               node.square("dilation", 1));
  const Index groups = node.integer("groups", 1);
  const Index stride = node.square("stride", 1);
  const Index pad = padding(node, w.sizes.back());
  std::vector<float> numbers = as_floats(w);
  const Index outputs = w.sizes[0], fan_in = w.sizes[1], length = w.sizes.back();
  if (one_axis) {  // one row of an image: rows of zeros around the kernel meet the padding only
    const Index rows = 2 * pad + 1;
    check_weights(outputs * fan_in * length * rows);
    std::vector<float> tall(static_cast<std::size_t>(outputs * fan_in * rows * length), 0.0f);
    for (Index i = 0; i < outputs * fan_in; ++i) {
      std::copy_n(numbers.begin() + i * length, length, tall.begin() + (i * rows + pad) * length);
    }
    numbers = std::move(tall);
    w.sizes = {outputs, fan_in, rows, length};
  }
  NirSignal out = in;
  const auto extent = [&](Index size, Index kernel) { return (size + 2 * pad - kernel) / stride + 1; };
  VOLLEY_CHECK(stride >= 1 && in.height + 2 * pad >= w.sizes[2] && in.width + 2 * pad >= length, Fault::model,
               "a kernel of {} with stride {} and padding {} does not fit on {}", volley::text(w.sizes),
               stride, pad, in.text());
  out.from = node.add(node.name(), "conv2d", {in},
                      {{"stride", static_cast<double>(stride)},
                       {"padding", static_cast<double>(pad)},
                       {"groups", static_cast<double>(groups)}});
  out.delay = 0;
  out.spikes = false;
  out.channels = outputs;
  out.height = extent(in.height, w.sizes[2]);
  out.width = extent(in.width, length);
  node.weight("weight", w.sizes, std::move(numbers));
  add_bias(node, out);
  return out;
}

// A convolution of each channel alone, so that a spike is an event and sums are exact.
NirSignal pooling(NirNodeWriter& node, const NirSignal& in, bool is_sum) {
  const Index kernel = node.square("kernel_size", 0), stride = node.square("stride", kernel);
  const Index pad = node.square("padding", 0);
  VOLLEY_CHECK(in.is_image && kernel >= 1 && stride >= 1 && in.height + 2 * pad >= kernel &&
                   in.width + 2 * pad >= kernel,
               Fault::model, "a kernel of {} with stride {} does not fit on {}", kernel, stride, in.text());
  check_weights(kernel * kernel);
  check_weights(kernel * kernel * in.channels);
  NirSignal out = in;
  out.from = node.add(node.name(), "conv2d", {in},
                      {{"stride", static_cast<double>(stride)},
                       {"padding", static_cast<double>(pad)},
                       {"groups", static_cast<double>(in.channels)}});
  out.delay = 0;
  out.spikes = false;
  out.height = (in.height + 2 * pad - kernel) / stride + 1;
  out.width = (in.width + 2 * pad - kernel) / stride + 1;
  const auto each = static_cast<float>(is_sum ? 1.0 : 1.0 / static_cast<double>(kernel * kernel));
  node.weight("weight", {in.channels, 1, kernel, kernel},
              std::vector<float>(static_cast<std::size_t>(in.channels * kernel * kernel), each));
  return out;
}

NirSignal flatten(NirNodeWriter& node, const NirSignal& in) {
  if (!in.is_image) {
    return in;
  }
  const Index start = node.integer("start_dim", 0), end = node.integer("end_dim", -1);
  VOLLEY_CHECK(start == 0 && (end == -1 || end == 2 || (end == 1 && in.height == 1)), Fault::model,
               "flattens dimensions {} to {}, wanted all of {}", start, end, in.text());
  NirSignal out = in;
  out.from = node.add(node.name() + ".channels_first", "layout.transpose", {in}, {{"axes", "T B C Y X"}});
  out.delay = 0;
  out.from = node.add(node.name(), "layout.flatten", {out});
  out.is_image = false;
  out.channels = in.count();
  out.height = out.width = 1;
  return out;
}

}  // namespace

std::optional<NirSignal> write_nir_layer(NirNodeWriter& node, const NirSignal& in) {
  const std::string& type = node.type();
  if (type == "Affine" || type == "Linear") {
    return linear(node, in);
  }
  if (type == "Conv1d" || type == "Conv2d") {
    return convolution(node, in, type == "Conv1d");
  }
  if (type == "SumPool2d" || type == "AvgPool2d") {
    return pooling(node, in, type == "SumPool2d");
  }
  return type == "Flatten" ? std::optional(flatten(node, in)) : std::nullopt;
}

}  // namespace volley
